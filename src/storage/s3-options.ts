/** Where an S3-compatible store is, and how blobs leave it. */
export interface S3Options {
  readonly bucket: string
  /** `https://host:port`; null means Amazon's own, by region. */
  readonly endpoint: string | null
  /** Whether the bucket stands in the path instead of the host name. Default: true with an endpoint of one's own. */
  readonly pathStyle?: boolean
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
  /** Goes before every key, with a slash between; empty for none. */
  readonly prefix?: string
  /**
   * Seconds that a link to a blob is valid; then clients fetch blobs from the store themselves. Absent: bytes are
   * streamed through this process, which also works where clients cannot reach the endpoint.
   */
  readonly linkSeconds?: number
  /** Longest wait for the head of an answer, in milliseconds; calls that move many bytes have more. Default: 30,000. */
  readonly answerMs?: number
}

/** The default of `answerMs`. */
export const ANSWER_MS = 30_000

/** Whether addresses have the bucket in their path. */
export function isPathStyle(options: S3Options): boolean {
  return options.pathStyle ?? options.endpoint !== null
}
