/** What the box says about its cloud, in words for people. */

/** @typedef {import('/client/state.d.ts').IotHubState} IotHubState */
/** @typedef {import('/client/state.d.ts').Health} Health */

/** @type {Record<import('/client/state.d.ts').IotHubLink, string>} */
export const LINKS = {
  starting: 'Starting',
  waiting_for_clock: 'Waiting for the clock',
  provisioning: 'Asking which hub is ours',
  connecting: 'Connecting',
  connected: 'Connected',
  waiting: 'Not connected, trying again',
};

/** @type {Record<number, string>} */
const STATUSES = {
  200: 'Done',
  202: 'Under way, its end is reported later',
  400: 'Not understood',
  403: 'Not allowed',
  404: 'There is no such thing',
  409: 'Not possible at the time',
  413: 'Too large',
  429: 'Too much at once',
  500: 'Failed',
  503: 'Not available',
  504: 'No answer in time',
};

/** How a command from the cloud was answered. @param {number} status */
export function statusInWords(status) {
  return `${STATUSES[status] ?? (isGood(status) ? 'Done' : 'Failed')} (${status})`;
}

/** @param {number} status */
export const isGood = (status) => status >= 200 && status < 300;

/**
 * How the connection is, as the health of a part is told. One that stands may lack something all the same.
 * @param {IotHubState} hub @param {Health | undefined} health
 */
export function conditionOf({ link, cause, next_step: nextStep }, health) {
  if (link === 'connected') {
    const lacks = health?.condition === 'degraded' || health?.condition === 'failed';
    return lacks ? { condition: 'degraded', cause: health.cause, nextStep: health.next_step } : { condition: 'ok', cause: '', nextStep: '' };
  }
  const tried = Boolean(cause) || link === 'waiting' || link === 'waiting_for_clock';
  return { condition: tried ? 'degraded' : 'starting', cause, nextStep };
}
