/**
 * A layer that cannot be read, with the reason as the end of a sentence that begins with "it": "is cut off after 12
 * bytes of usr/bin/env".
 */
export class LayerRefusal extends Error {
  override readonly name = 'LayerRefusal'
  /** True when the same bytes would be refused again; false when another try, or another limit, may succeed. */
  readonly lasting: boolean

  constructor(message: string, options: { readonly lasting?: boolean; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.lasting = options.lasting ?? true
  }
}

/** A path or name from a layer, fit to stand in a sentence: short, and without control characters. */
export function quotePath(path: string): string {
  const short = path.length > 120 ? `${path.slice(0, 117)}...` : path
  return JSON.stringify(short).replace(/[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '?')
}
