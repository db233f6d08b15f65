// Pauses and time limits.

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// A signal that aborts after so many milliseconds, or when `controller` does.
export function abortAfter(ms, controller = new AbortController()) {
  setTimeout(() => controller.abort(), ms);
  return controller.signal;
}

// Runs `action` once no further call came for so many milliseconds.
export function debounce(ms, action) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(action, ms, ...values);
  };
}
