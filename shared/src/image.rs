//! Pictures of agents. The type is detected from the bytes; what the sender declares is ignored.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::error::Error;
use crate::validation::{FromParams, Params};

/// The most a picture may have.
pub const MAX_IMAGE: usize = 1024 * 1024;
/// The sentence of a 413 for a picture.
pub const IMAGE_TOO_LARGE: &str = "A picture may have at most 1 MiB: send a smaller one.";

/// The kinds that a browser shows without running anything: SVG is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageKind {
    Png,
    Jpeg,
    Gif,
    Webp,
}

impl ImageKind {
    /// The kind that the first bytes show.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }

    /// The media type that the picture is served with.
    pub fn mime_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }
}

/// Which picture is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImageVersion {
    /// As in `avatarUrl`: the answer may then be kept for good
    pub v: Option<String>,
}

impl FromParams for ImageVersion {
    fn from_params(params: &mut Params) -> Option<Self> {
        Some(Self { v: params.text("v") })
    }
}

/// A picture that may be stored.
pub struct Image {
    pub kind: ImageKind,
    pub bytes: Bytes,
}

impl Image {
    /// Accepts bytes of at most [`MAX_IMAGE`] that are a picture of a supported kind.
    pub fn checked(bytes: Bytes) -> Result<Self, Error> {
        if bytes.len() > MAX_IMAGE {
            return Err(Error::TooLarge(IMAGE_TOO_LARGE.to_owned()));
        }
        let kind = ImageKind::of(&bytes);
        let refused = || Error::field(["file".into()], "not_an_image", "file must be a PNG, JPEG, GIF or WebP image");
        Ok(Self { kind: kind.ok_or_else(refused)?, bytes })
    }
}
