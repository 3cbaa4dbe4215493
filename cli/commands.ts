import type { Command } from 'commander'
import { addCompletionCommand } from './completion-command.ts'
import { addDoctorCommand } from './doctor-command.ts'
import { addGrantCommand } from './grant-command.ts'
import { addImageCommand } from './image-command.ts'
import { addRepositoryCommand } from './repository-command.ts'
import { addSessionCommands } from './session-commands.ts'
import { addTeamCommand } from './team-command.ts'
import { addTokenCommand } from './token-command.ts'
import { addUserCommand } from './user-command.ts'

/** Every command that speaks to a server. @param onUnhealthy  called when `doctor` finds something wrong */
export function addServerCommands(program: Command, onUnhealthy: () => void): void {
  addSessionCommands(program)
  addRepositoryCommand(program)
  addImageCommand(program)
  addUserCommand(program)
  addTeamCommand(program)
  addGrantCommand(program)
  addTokenCommand(program)
  addDoctorCommand(program, onUnhealthy)
  addCompletionCommand(program)
}
