//! An embedded S3 on the file system. It adds two guarantees that its engine lacks: an acknowledged
//! object is on the disk, and exactly one of several conditional uploads to a key succeeds. Only the
//! operations that this project uses are implemented.
//!
//! - [`presigned_port`]: the TCP port for presigned URLs
//! - `abandoned_parts`: deletes what unfinished multipart uploads left
//! - `disk_sync`: syncs an object's files and directories
//! - `key_locks`: serializes the writes to each key

mod abandoned_parts;
mod disk_sync;
mod key_locks;
pub mod presigned_port;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use s3s::auth::SimpleAuth;
use s3s::dto::*;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result};
use s3s_fs::FileSystem;

use disk_sync::DiskSync;
use key_locks::KeyLocks;

type Output<T> = S3Result<S3Response<T>>;

/// The objects in one directory.
pub struct ObjectStore {
    files: Arc<FileSystem>,
    disk: DiskSync,
    locks: KeyLocks,
}

impl ObjectStore {
    /// Opens the objects in `root`, whose subdirectories are the buckets, and deletes the parts of unfinished uploads.
    /// Nothing else may use the directory.
    pub fn open(root: &Path) -> Result<Self, s3s_fs::Error> {
        let files = Arc::new(FileSystem::new(root)?);
        abandoned_parts::delete(root)?;
        Ok(Self { files, disk: DiskSync::new(root), locks: KeyLocks::default() })
    }

    /// The S3 protocol for callers that sign with these credentials.
    pub fn service(self, access_key: &str, secret_key: &str) -> S3Service {
        let mut service = S3ServiceBuilder::new(self);
        service.set_auth(SimpleAuth::from_single(access_key, secret_key));
        service.build()
    }

    /// Deletes the object of a failed write: the engine renames a file into place before it verifies
    /// the checksum.
    async fn delete_failed_upload(&self, bucket: &str, key: &str) {
        if let Err(err) = self.disk.delete(bucket, vec![key.to_owned()]).await {
            tracing::warn!(key, cause = %err, "the object of a failed upload could not be deleted");
        }
    }
}

#[async_trait]
impl S3 for ObjectStore {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Output<GetObjectOutput> {
        self.files.get_object(request).await
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Output<HeadObjectOutput> {
        self.files.head_object(request).await
    }

    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Output<ListObjectsV2Output> {
        self.files.list_objects_v2(request).await
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Output<PutObjectOutput> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let _lock = self.locks.lock(&bucket, &key).await;
        let is_new = !self.disk.has_object(&bucket, &key);
        let put = self.files.put_object(request).await;
        if put.is_err() && is_new {
            self.delete_failed_upload(&bucket, &key).await;
        }
        let output = put?;
        self.disk.sync(&bucket, &key).await.map_err(S3Error::internal_error)?;
        Ok(output)
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Output<CreateMultipartUploadOutput> {
        self.files.create_multipart_upload(request).await
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Output<UploadPartOutput> {
        self.files.upload_part(request).await
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Output<CompleteMultipartUploadOutput> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let lock = self.locks.lock(&bucket, &key).await;
        let (files, disk) = (self.files.clone(), self.disk.clone());
        // The engine deletes the upload's id first, so what it has begun cannot be aborted: it ends even if the caller
        // has gone.
        let completed = tokio::spawn(async move {
            let _lock = lock;
            let output = files.complete_multipart_upload(request).await?;
            disk.sync(&bucket, &key).await.map_err(S3Error::internal_error)?;
            Ok(output)
        });
        completed.await.map_err(S3Error::internal_error)?
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Output<AbortMultipartUploadOutput> {
        let _lock = self.locks.lock(&request.input.bucket, &request.input.key).await;
        self.files.abort_multipart_upload(request).await
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Output<DeleteObjectOutput> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let output = self.files.delete_object(request).await?;
        self.disk.sync_deletion(&bucket, vec![key]).await.map_err(S3Error::internal_error)?;
        Ok(output)
    }

    async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> Output<DeleteObjectsOutput> {
        let bucket = request.input.bucket.clone();
        let keys = request.input.delete.objects.iter().map(|object| object.key.clone()).collect();
        let output = self.files.delete_objects(request).await?;
        self.disk.sync_deletion(&bucket, keys).await.map_err(S3Error::internal_error)?;
        Ok(output)
    }
}
