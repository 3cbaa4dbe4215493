/** How a command that ran to its end came out; what it throws is a failure. */
export interface Outcome {
  /** One of `EXIT`. */
  code: number
}
