// PyScript keeps notes in IndexedDB, and can't start Pyodide in a browser that blocks storage; in Firefox it can't even
// load there, because it makes a BroadcastChannel. There, and only there, this gives it an empty IndexedDB that forgets
// everything, and a channel that reaches nobody. Load it before core.js.
(() => {
  try {
    void localStorage; // null where only this one is switched off
    return;
  } catch {
    // blocked: by the visitor's settings, or because this is a sandboxed frame
  }
  const request = (result) => {
    const made = {};
    setTimeout(() => made.onsuccess?.({ target: { result } }));
    return made;
  };
  const store = new Proxy({}, { get: (_, method) => () => request(method.startsWith("getAll") ? [] : undefined) });
  const database = { transaction: () => ({ objectStore: () => store }), close() {} };
  Object.defineProperty(globalThis, "indexedDB", { configurable: true, value: { open: () => request(database) } });
  try {
    new BroadcastChannel("pillion").close();
  } catch {
    // Firefox
    globalThis.BroadcastChannel = class extends EventTarget {
      postMessage() {}
      close() {}
    };
  }
})();
