import type { Config } from '../config/config.ts'

/** What a person sees when the server is up: where it is, how to sign in, what to do first. */
export function welcome(address: string, config: Config, generatedPassword: string | null): string {
  const url = config.externalUrl ?? address
  const host = url.replace(/^https?:\/\//, '')
  const lines = ['', `Seawall is listening on ${address}`]
  if (url !== address) lines.push(`Clients reach it as   ${url}`)
  if (generatedPassword !== null) {
    lines.push(
      '',
      '  administrator   admin',
      `  password        ${generatedPassword}   (shown once; only its hash is kept)`,
    )
  }
  lines.push(
    '',
    `  docker login ${host} -u admin`,
    `  docker tag debian:12 ${host}/demo/debian:12`,
    `  docker push ${host}/demo/debian:12`,
    '',
    'Ctrl-C stops it.',
    '',
    '',
  )
  return lines.join('\n')
}
