// Sends a file into a channel: through the API where it fits, else straight to storage.

const MAX_API_BYTES = 4_500_000;

// Returns the stored attachment; throws a sentence. `onProgress` gets the part that is sent, from 0 to 1.
export async function upload(channelId, file, onProgress = () => {}) {
  const send = file.size <= MAX_API_BYTES ? uploadToApi : uploadToStorage;
  return send(channelId, file, onProgress);
}

async function uploadToApi(channelId, file, onProgress) {
  const form = new FormData();
  form.set("channelId", channelId);
  form.set("file", file, file.name);
  return JSON.parse(await send("POST", "/api/files/store", {}, form, onProgress));
}

async function uploadToStorage(channelId, file, onProgress) {
  const mimeType = file.type || "application/octet-stream";
  const announced = JSON.stringify({ channelId, filename: file.name, mimeType, size: file.size });
  const answer = await send("POST", "/api/files/presign", { "Content-Type": "application/json" }, announced);
  const { upload, attachment } = JSON.parse(answer);
  await send(upload.method, upload.url, upload.headers, file, onProgress);
  return attachment;
}

// `fetch` does not tell the progress of what it sends.
function send(method, url, headers, body, onProgress = () => {}) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) {
      if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value); // the browser sets it
    }
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onerror = () => failed(new Error("The connection was lost."));
    request.onload = () => {
      if (request.status < 300) done(request.responseText);
      else failed(new Error(messageOf(request.responseText) || `It was refused (${request.status}).`));
    };
    request.send(body);
  });
}

// The API's error message; storage answers in XML.
function messageOf(text) {
  try {
    return JSON.parse(text).message;
  } catch {
    return "";
  }
}
