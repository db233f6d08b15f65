//! `placet send` and `placet upload`

use std::fs::File;
use std::path::Path;

use serde_json::{Value, json};

use crate::api::Api;
use crate::exit::{Ended, Trouble, print};
use crate::options::{Send, Upload};

pub fn send(options: &Send) -> Result<Ended, Trouble> {
    let api = Api::load()?;
    let channel = api.channel()?;
    let mut body = json!({ "channelId": channel, "text": options.text });
    if let Some(status) = &options.status {
        body["status"] = json!(status);
    }
    if let Some(id) = &options.client_id {
        body["clientId"] = json!(id);
    }
    let files = options.file.iter().map(|file| store(&api, &channel, file, None)).collect::<Result<Vec<_>, _>>()?;
    if !files.is_empty() {
        body["attachmentIds"] = json!(files);
    }
    printed_id(&api.post("/api/v1/messages", &[], &body)?)
}

pub fn upload(options: &Upload) -> Result<Ended, Trouble> {
    let api = Api::load()?;
    let id = store(&api, &api.channel()?, &options.file, options.mime_type.as_deref())?;
    print(&id)?;
    Ok(Ended::Done)
}

/// Sends a file straight to the storage, whatever its size, and gives its id.
fn store(api: &Api, channel: &str, path: &Path, mime_type: Option<&str>) -> Result<String, Trouble> {
    let unreadable = |error| Trouble::new(format!("{} cannot be read: {error}.", path.display()));
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let name = path.file_name().map_or("file".into(), |name| name.to_string_lossy());
    let mime_type = mime_type.unwrap_or("application/octet-stream");
    let announced = json!({ "channelId": channel, "filename": name, "mimeType": mime_type, "size": size });
    let presigned = api.post("/api/v1/files/presign", &[], &announced)?;
    let (id, url) = (presigned["attachment"]["id"].as_str(), presigned["upload"]["url"].as_str());
    let (Some(id), Some(url)) = (id, url) else { return Err(Trouble::new("The service gave no place for the file.")) };
    let headers = presigned["upload"]["headers"].as_object().into_iter().flatten();
    let headers = headers.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    api.put(url, &headers.collect::<Vec<_>>(), file)?;
    Ok(id.to_owned())
}

fn printed_id(message: &Value) -> Result<Ended, Trouble> {
    print(message["id"].as_str().ok_or_else(|| Trouble::new("The service sent no id."))?)?;
    Ok(Ended::Done)
}
