/**
 * The kinds of failure: the box's own, and those of the way there (`offline`, `login_required`, `protocol`, `cancelled`).
 * @typedef {'malformed' | 'too_large' | 'unknown_command' | 'invalid_parameter' | 'not_allowed' | 'not_configured' | 'not_found'
 *   | 'conflict' | 'busy' | 'unavailable' | 'timed_out' | 'failed' | 'offline' | 'login_required' | 'protocol' | 'cancelled'} AmoraErrorCode
 */

/** Why something was not done. */
export class AmoraError extends Error {
  /**
   * @param {AmoraErrorCode} code the kind, for programs
   * @param {string} message the reason, for people
   * @param {{ field?: string, retryAfter?: number, cause?: unknown }} [details]
   */
  constructor(code, message, { field, retryAfter, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AmoraError';
    /** @type {AmoraErrorCode} */
    this.code = code;
    /** The parameter at fault. @type {string | undefined} */
    this.field = field;
    /** Seconds to wait before another try. @type {number | undefined} */
    this.retryAfter = retryAfter;
  }

  /**
   * From the `error` object of a reply, whatever shape it has.
   * @param {any} error
   */
  static from(error) {
    const code = typeof error?.code === 'string' ? error.code : 'failed';
    const message = typeof error?.message === 'string' && error.message ? error.message : 'the box gave no reason';
    return new AmoraError(code, message, { field: typeof error?.field === 'string' ? error.field : undefined });
  }
}
