import type { ConfigMistake } from './config-error.ts'

/** A value as it was written, before it is checked. */
export interface WrittenValue {
  readonly value: unknown
  /** How a message names it: `limits.pageItems in seawall.yaml`, or the variable. */
  readonly shownName: string
  /** What `effective` says: the file's name or the variable. */
  readonly from: string
}

/** The settings of one source, by name, with what was already wrong about them. */
export interface SettingLayer {
  readonly values: Map<string, WrittenValue>
  readonly mistakes: ConfigMistake[]
}
