/** Milliseconds since 1970. A function, so that a test can be somewhere else in time. */
export type Clock = () => number
