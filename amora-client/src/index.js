export { AmoraClient } from './client.js';
export { AmoraHttpClient } from './http-client.js';
export { AmoraError } from './errors.js';
export { Backoff } from './backoff.js';
export { CATALOGUE, methodName } from './catalogue.js';
