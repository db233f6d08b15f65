// Sends a file into a channel: through the API where it fits, else straight to storage.
"use strict";
window.placetUpload = (() => {
  const DIRECT = 4_500_000; // what one API call may carry

  function send(method, url, headers, body, onProgress) {
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      for (const [name, value] of Object.entries(headers)) {
        if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value); // the browser's to set
      }
      request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
      request.onerror = () => failed(new Error("The connection was lost."));
      request.onload = () => {
        if (request.status < 300) return done(request.responseText);
        let said = "";
        try {
          said = JSON.parse(request.responseText).message;
        } catch {
          // storage answers in XML
        }
        failed(new Error(said || `It was refused (${request.status}).`));
      };
      request.send(body);
    });
  }

  return async function upload(channelId, file, onProgress = () => {}) {
    if (file.size <= DIRECT) {
      const form = new FormData();
      form.set("channelId", channelId);
      form.set("file", file, file.name);
      return JSON.parse(await send("POST", "/api/files/store", {}, form, onProgress));
    }
    const announced = JSON.stringify({ channelId, filename: file.name, mimeType: file.type || "application/octet-stream", size: file.size });
    const said = JSON.parse(await send("POST", "/api/files/presign", { "Content-Type": "application/json" }, announced, () => {}));
    await send(said.upload.method, said.upload.url, said.upload.headers, file, onProgress);
    return said.attachment;
  };
})();
