/** How the program ends, for scripts; `docs/command-line.md` lists them. */
export const EXIT = {
  ok: 0,
  /** Something went wrong: the message says what. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** `scan --fail-on`: findings at least that bad. */
  findings: 3,
  /** `scan --fail-on`: nothing that bad, but not everything could be read or said. */
  unknown: 4,
  /** `doctor`: stored bytes are damaged or missing, or nobody can tell. */
  damaged: 5,
} as const
