//! S3 on the file system, with what its engine leaves open: an object that was acknowledged is on
//! the disk, and of several conditional uploads to one key one succeeds. Only the operations that
//! something here uses are there.
//!
//! - `port`: who reaches it over TCP: browsers with presigned URLs
//! - `disk`: syncs an object's files and directories
//! - `turns`: one write per key at a time

mod disk;
pub mod port;
mod turns;

use std::path::Path;

use async_trait::async_trait;
use s3s::auth::SimpleAuth;
use s3s::dto::*;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result};
use s3s_fs::FileSystem;

use disk::Disk;
use turns::Turns;

type Answer<T> = S3Result<S3Response<T>>;

/// The objects under one directory.
pub struct Objects {
    files: FileSystem,
    disk: Disk,
    turns: Turns,
}

impl Objects {
    /// Opens the objects under `root`, whose subdirectories are the buckets.
    pub fn open(root: &Path) -> Result<Self, s3s_fs::Error> {
        Ok(Self { files: FileSystem::new(root)?, disk: Disk::new(root), turns: Turns::default() })
    }

    /// Serves them to callers that sign with these credentials.
    pub fn service(self, access_key: &str, secret_key: &str) -> S3Service {
        let mut service = S3ServiceBuilder::new(self);
        service.set_auth(SimpleAuth::from_single(access_key, secret_key));
        service.build()
    }

    /// Leaves nothing of a write that failed: the engine renames a file before it checks it.
    async fn undo(&self, bucket: &str, key: &str) {
        if let Err(err) = self.disk.remove(bucket, vec![key.to_owned()]).await {
            tracing::warn!(key, cause = %err, "the object of a failed upload could not be removed");
        }
    }
}

#[async_trait]
impl S3 for Objects {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        self.files.get_object(request).await
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        self.files.head_object(request).await
    }

    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        self.files.list_objects_v2(request).await
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let _turn = self.turns.take(&bucket, &key).await;
        let is_new = !self.disk.has(&bucket, &key);
        let put = self.files.put_object(request).await;
        if put.is_err() && is_new {
            self.undo(&bucket, &key).await;
        }
        let done = put?;
        self.disk.sync(&bucket, &key).await.map_err(S3Error::internal_error)?;
        Ok(done)
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        self.files.create_multipart_upload(request).await
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        self.files.upload_part(request).await
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let _turn = self.turns.take(&bucket, &key).await;
        let done = self.files.complete_multipart_upload(request).await?;
        self.disk.sync(&bucket, &key).await.map_err(S3Error::internal_error)?;
        Ok(done)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        self.files.abort_multipart_upload(request).await
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let done = self.files.delete_object(request).await?;
        self.disk.sync_removal(&bucket, vec![key]).await.map_err(S3Error::internal_error)?;
        Ok(done)
    }

    async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        let bucket = request.input.bucket.clone();
        let keys = request.input.delete.objects.iter().map(|object| object.key.clone()).collect();
        let done = self.files.delete_objects(request).await?;
        self.disk.sync_removal(&bucket, keys).await.map_err(S3Error::internal_error)?;
        Ok(done)
    }
}
