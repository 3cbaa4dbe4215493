/** The variables of the process, as a part that tests can replace. */
export type Environment = Readonly<Record<string, string | undefined>>
