/**
 * Puts an ear where sound leaves the page, and nowhere earlier: `window.ear`, an AnalyserNode.
 * @param {import('playwright-core').Page} page
 */
export function addEar(page) {
  return page.addInitScript(() => {
    const connect = AudioNode.prototype.connect;
    AudioNode.prototype.connect = function (/** @type {any[]} */ ...to) {
      if (to[0] instanceof AudioDestinationNode) {
        const ear = new AnalyserNode(this.context, { fftSize: 32_768, smoothingTimeConstant: 0 });
        Reflect.apply(connect, this, [ear]);
        Reflect.set(window, 'ear', ear);
      }
      return Reflect.apply(connect, this, to);
    };
  });
}
