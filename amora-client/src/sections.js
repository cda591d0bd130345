import { CATALOGUE, methodName } from './catalogue.js';

/** @typedef {import('./commands.d.ts').Sections} Sections */

/**
 * A method for every command, grouped by section.
 * @param {(name: string, params?: object) => Promise<any>} request carries one command out
 * @returns {Sections}
 */
export function makeSections(request) {
  const sections = Object.entries(CATALOGUE).map(([section, verbs]) => {
    const methods = verbs.map((verb) => [
      methodName(verb),
      /** @param {object} [params] */ (params) => request(`${section}.${verb}`, params),
    ]);
    return [section, Object.freeze(Object.fromEntries(methods))];
  });
  return Object.fromEntries(sections);
}
