import { z } from 'zod'

/** A person's or a program's account. */
export const UserShape = z
  .object({
    id: z.string(),
    name: z.string(),
    isAdmin: z.boolean(),
    isDisabled: z.boolean(),
    mayCreateRepositories: z.boolean(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'User' })

export type UserBody = z.infer<typeof UserShape>

export const NewUserShape = z
  .strictObject({
    name: z.string().min(1).max(100),
    password: z.string().min(8).max(1000),
    isAdmin: z.boolean().default(false),
    mayCreateRepositories: z.boolean().default(true),
  })
  .meta({ id: 'NewUser' })

export type NewUserBody = z.input<typeof NewUserShape>

export const UserChangeShape = z
  .strictObject({
    password: z.string().min(8).max(1000).optional(),
    currentPassword: z.string().max(1000).optional().meta({ description: 'Needed for a new password of your own.' }),
    isAdmin: z.boolean().optional(),
    isDisabled: z.boolean().optional(),
    mayCreateRepositories: z.boolean().optional(),
  })
  .meta({ id: 'UserChange' })

export const TeamShape = z
  .object({ id: z.string(), name: z.string(), createdAt: z.iso.datetime() })
  .meta({ id: 'Team' })

export const NewTeamShape = z.strictObject({ name: z.string().min(1).max(100) }).meta({ id: 'NewTeam' })

export const GrantShape = z
  .object({
    id: z.string(),
    images: z.string().meta({ description: 'A pattern over image paths: `*` within a segment, `**` over segments.' }),
    subjectKind: z.enum(['user', 'team', 'signed-in', 'anonymous']),
    subject: z.string().nullable().meta({ description: "The user's or the team's name; null for the other kinds." }),
    role: z.enum(['reader', 'writer', 'maintainer', 'admin']),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Grant' })

export type GrantBody = z.infer<typeof GrantShape>

export const NewGrantShape = z
  .strictObject({
    images: z.string().min(1).max(255).default('**'),
    subjectKind: z.enum(['user', 'team', 'signed-in', 'anonymous']),
    subject: z.string().max(100).optional(),
    role: z.enum(['reader', 'writer', 'maintainer', 'admin']),
  })
  .meta({ id: 'NewGrant' })

export type NewGrantBody = z.input<typeof NewGrantShape>

export const AccessTokenShape = z
  .object({
    id: z.string(),
    name: z.string(),
    prefix: z.string().meta({ description: 'The beginning of the secret, to tell tokens apart.' }),
    readOnly: z.boolean(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    lastUsedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'AccessToken' })

export const NewAccessTokenShape = z
  .strictObject({
    name: z.string().min(1).max(100),
    readOnly: z.boolean().default(false),
    expiresInDays: z.number().int().min(1).max(3650).optional(),
  })
  .meta({ id: 'NewAccessToken' })

export const MadeAccessTokenShape = AccessTokenShape.extend({
  secret: z.string().meta({ description: 'Shown this once; only its hash is kept.' }),
}).meta({ id: 'MadeAccessToken' })
