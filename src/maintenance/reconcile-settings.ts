/** What a run may do. */
export interface ReconcileSettings {
  /** Bytes without a row are left alone until they are so old, in milliseconds: some become a blob in a moment. */
  readonly safeAgeMs: number
  /** How long a blob that nothing shows is kept, and condemned bytes, in milliseconds. */
  readonly graceMs: number
  readonly removeAfterMs: number
  /** Does also what looks like the wrong store, or the wrong database: see `ReconcileReport.heldBack`. */
  readonly isSure: boolean
  /** Pause between two steps, so that clients come first. */
  readonly pauseMs: number
}
