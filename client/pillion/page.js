// The session for the page's own JavaScript: a layer around this realm's fetch and XMLHttpRequest, and what stands on
// window. It is JavaScript because a native method that throws must not throw through Python: Pyodide would wrap the
// error, and MicroPython lose its stack.
//
//   __pillion_layers__.add(rule, name)   lays the layers, has them follow the rule, and sets window[name] to
//                                        {id, state, ready()}; false if the page doesn't let it
//   __pillion_layers__.lay()             lays them where they are not on top; of several, one adds the ID
//   __pillion_layers__.remove(rule)      takes that back; where others have laid a layer over ours, it is left asleep
//   __pillion_layers__.fetch(url, init)  fetch through all layers, of which ours add nothing: for what pillion sends
//
// rule, from pillion/_page.py: origins, which may have the ID. header: the name of the one that it stands in. value():
// what stands there, or nothing while a call has to wait. wait(resolve, reject): the same later. now(): the same for a
// call that can't wait, or nothing, and then why() says why. id(), state(), ready(resolve, reject): of the session.
(() => {
  "use strict";
  if (globalThis.__pillion_layers__) return;
  const { FormData, ProgressEvent, Promise, Reflect, Request, URL, URLSearchParams } = globalThis; // whatever the page
  const { DOMException, structuredClone } = globalThis; // makes of them
  const urlOf = Object.getOwnPropertyDescriptor(Request.prototype, "url").get;
  const rules = [];
  const below = new WeakMap(); // of each layer of ours
  const calls = new WeakMap();
  const OWN = Symbol("pillion's own"); // on the options of what pillion sends, their copies, and Requests made of them

  const base = () => globalThis.document?.baseURI ?? location.href;
  const known = new Map(); // the last addresses that were taken apart, which most calls go to again
  const parsed = (url) => {
    const key = `${base()} ${url}`;
    if (!known.has(key)) {
      if (known.size >= 100) known.clear();
      known.set(key, URL.canParse(url, base()) ? new URL(url, base()) : undefined);
    }
    return known.get(key);
  };
  const ruleFor = (url) =>
    /^https?:$/.test(url?.protocol) ? rules.findLast((rule) => rule.origins.has(url.origin)) : undefined;
  const later = (rule) => new Promise((resolve, reject) => rule.wait(resolve, reject));

  // The address of a Request of any realm, else what fetch makes of its argument.
  const addressed = (input) => {
    if (typeof input === "string") return { url: input, input };
    try {
      return { url: urlOf.call(input), input };
    } catch {
      const url = `${input}`;
      return { url, input: url };
    }
  };

  // The options that can be read off a Request, of one or of what fetch is given.
  const OPTIONS = ["cache", "credentials", "headers", "integrity", "keepalive", "method", "mode", "redirect",
    "referrer", "referrerPolicy", "signal"];
  const picked = (init) => Object.fromEntries(OPTIONS.map((name) => [name, init[name]]));

  // A body that others can't change any more.
  const taken = (body) => {
    const kind = Object.prototype.toString.call(body);
    if (kind === "[object URLSearchParams]") return new URLSearchParams(body);
    if (kind === "[object ArrayBuffer]" || ArrayBuffer.isView(body)) return structuredClone(body);
    if (kind !== "[object FormData]") return body;
    const copy = new FormData();
    body.forEach((value, name) => copy.append(name, value));
    return copy;
  };

  const isOwn = (args) => Boolean(args[0]?.[OWN] || args[1]?.[OWN]);
  const marked = (request, args) => {
    if (isOwn(args)) request[OWN] = true;
    return request;
  };

  const onFetch = (fetch, self, args) => {
    const asIs = () => Reflect.apply(fetch, self, args);
    if (!rules.length || !args.length || isOwn(args)) return asIs();
    let request, rule, last;
    try {
      const { url, input } = addressed(args[0]);
      args = [input, ...args.slice(1)];
      const asked = parsed(url);
      rule = ruleFor(asked);
      if (!rule) return asIs();
      let init = args[1];
      if (init?.keepalive && init.body != null) {
        last = { body: taken(init.body), priority: init.priority };
        init = picked(init);
      }
      // What fetch does, too: it takes the body, the signal and the options now. What is asked is what was looked at.
      request = new Request(typeof input === "string" ? asked.href : input, init);
    } catch {
      return asIs(); // it says what is wrong
    }
    const send = (value) => {
      if (value) request.headers.set(rule.header, value);
      if (!last) return Reflect.apply(fetch, self, [request]);
      // Firefox 153 loses a Request that has a body when the page closes.
      return Reflect.apply(fetch, self, [request.url, { ...picked(request), ...last }]);
    };
    if (request.headers.has(rule.header)) return send();
    const value = rule.value() || (request.keepalive && rule.now()); // the last word of a page can't wait
    if (value) return send(value);
    return new Promise((resolve, reject) => {
      request.signal.throwIfAborted();
      request.signal.addEventListener("abort", () => reject(request.signal.reason), { once: true });
      later(rule).then(send).then(resolve, reject);
    });
  };

  const onOpen = (open, xhr, args) => {
    const url = args.length > 1 ? parsed(`${args[1]}`) : undefined;
    if (url) args = [args[0], url.href, ...args.slice(2)]; // what is asked is what was looked at
    const result = Reflect.apply(open, xhr, args);
    delete xhr.readyState;
    const isAsync = args.length < 3 || Boolean(args[2]);
    const hasOwn = args[3] != null || url?.username;
    calls.set(xhr, { rule: hasOwn ? undefined : ruleFor(url), isAsync, isWaiting: false });
    return result;
  };

  const refuseWhileWaiting = (xhr) => {
    if (calls.get(xhr)?.isWaiting) throw new DOMException("This XMLHttpRequest is sent already.", "InvalidStateError");
  };

  const onHeader = (setRequestHeader, xhr, args) => {
    refuseWhileWaiting(xhr);
    const result = Reflect.apply(setRequestHeader, xhr, args);
    const own = calls.get(xhr)?.rule?.header.toLowerCase();
    if (`${args[0]}`.toLowerCase() === own) calls.delete(xhr); // the caller's own wins
    return result;
  };

  const onSend = (send, xhr, args) => {
    refuseWhileWaiting(xhr);
    const call = calls.get(xhr);
    if (!call?.rule || !rules.includes(call.rule)) return Reflect.apply(send, xhr, args);
    const go = (value) => {
      calls.delete(xhr);
      xhr.setRequestHeader(call.rule.header, value);
      return Reflect.apply(send, xhr, args);
    };
    const value = call.rule.now();
    if (value) return go(value);
    if (!call.isAsync) throw new Error(call.rule.why());
    call.isWaiting = true;
    args = args.map(taken);
    const begun = performance.now();
    const isStillSo = () => calls.get(xhr) === call; // neither aborted, nor opened again, nor too late
    if (xhr.timeout) setTimeout(() => isStillSo() && fail(xhr, "timeout"), xhr.timeout);
    later(call.rule).then(
      (value) => {
        if (!isStillSo()) return;
        try {
          shorten(xhr, performance.now() - begun);
          go(value);
        } catch {
          fail(xhr, "error");
        }
      },
      (error) => {
        if (!isStillSo()) return;
        console.warn(`${error}`);
        fail(xhr, "error");
      },
    );
    return undefined;
  };

  // Its time began when it was to be sent.
  const shorten = (xhr, waited) => {
    const { timeout } = xhr;
    if (!timeout) return;
    xhr.timeout = Math.max(timeout - waited, 1);
    xhr.addEventListener("loadend", () => (xhr.timeout = timeout), { once: true });
  };

  const onAbort = (abort, xhr, args) => {
    const result = Reflect.apply(abort, xhr, args);
    if (calls.get(xhr)?.isWaiting) {
      calls.delete(xhr);
      end(xhr, "abort");
    }
    return result;
  };

  const fail = (xhr, event) => {
    calls.delete(xhr);
    Object.defineProperty(xhr, "readyState", { value: 4, configurable: true }); // until it is opened again
    xhr.dispatchEvent(new Event("readystatechange"));
    end(xhr, event);
  };

  const end = (xhr, event) => {
    xhr.dispatchEvent(new ProgressEvent(event));
    xhr.dispatchEvent(new ProgressEvent("loadend"));
  };

  const called = (apply) => ({ apply });
  const traps = [
    [globalThis, "fetch", called(onFetch)],
    [globalThis, "Request", { construct: (kind, args, made) => marked(Reflect.construct(kind, args, made), args) }],
    [Request.prototype, "clone", called((clone, self, args) => marked(Reflect.apply(clone, self, args), [self]))],
    [XMLHttpRequest.prototype, "open", called(onOpen)],
    [XMLHttpRequest.prototype, "send", called(onSend)],
    [XMLHttpRequest.prototype, "setRequestHeader", called(onHeader)],
    [XMLHttpRequest.prototype, "abort", called(onAbort)],
  ];

  const lay = () => {
    for (const [target, name, trap] of traps) {
      const there = target[name];
      if (below.has(there)) continue;
      const layer = new Proxy(there, trap);
      below.set(layer, there);
      target[name] = layer;
    }
  };

  const takeOff = () => {
    for (const [target, name] of traps) {
      while (below.has(target[name])) target[name] = below.get(target[name]);
    }
  };

  // What stands on window: under each name the face of the latest rule, and what was there before the first one.
  const shown = new Map();
  const gone = () => new DOMException("The session is not installed any more.", "NotReadyError");
  const faceOf = (rule) => Object.freeze({
    get id() { return (rules.includes(rule) && rule.id()) || null; },
    get state() { return rules.includes(rule) ? rule.state() : "unknown"; },
    ready: () => new Promise((resolve, reject) => (rules.includes(rule) ? rule.ready(resolve, reject) : reject(gone()))),
  });
  const show = (name) => {
    const { faces, before } = shown.get(name);
    if (faces.length) {
      const value = faces.at(-1).face;
      return Reflect.defineProperty(globalThis, name, { value, configurable: true, enumerable: false, writable: false });
    }
    shown.delete(name);
    return before ? Reflect.defineProperty(globalThis, name, before) : Reflect.deleteProperty(globalThis, name);
  };

  globalThis.__pillion_layers__ = {
    lay,
    add(rule, name) {
      if (!shown.has(name)) shown.set(name, { faces: [], before: Object.getOwnPropertyDescriptor(globalThis, name) });
      const { faces } = shown.get(name);
      faces.push({ rule, face: faceOf(rule) });
      if (!show(name)) {
        faces.pop();
        return false;
      }
      rules.push(rule);
      lay();
      return true;
    },
    remove(rule) {
      rules.splice(0, rules.length, ...rules.filter((each) => each !== rule));
      if (!rules.length) takeOff();
      for (const [name, { faces }] of shown) {
        const place = faces.findIndex((each) => each.rule === rule);
        if (place < 0) continue;
        faces.splice(place, 1);
        show(name);
      }
    },
    fetch(url, init) {
      init[OWN] = true;
      return globalThis.fetch(url, init);
    },
  };
})();
