import { describe, expect, it } from 'bun:test'
import { buildSteps, cleanStep } from './build-steps.ts'

describe('a history line becomes the line of the Dockerfile', () => {
  const lines: Record<string, string> = {
    '/bin/sh -c #(nop) ADD file:6d4bc in / ': 'ADD file:6d4bc in /',
    '/bin/sh -c #(nop)  CMD ["bash"]': 'CMD ["bash"]',
    '/bin/sh -c apt-get update': 'RUN apt-get update',
    'RUN /bin/sh -c apt-get update # buildkit': 'RUN apt-get update',
    'RUN |2 A=1 B=two words /bin/sh -c make $A # buildkit': 'RUN make $A',
    '|1 A=1 /bin/sh -c make': 'RUN make',
    'RUN /bin/bash -o pipefail -c set -e; x # buildkit': 'RUN set -e; x',
    'RUN /bin/bash -euo pipefail -c x # buildkit': 'RUN x',
    'RUN npm ci # buildkit': 'RUN npm ci',
    'COPY . /app # buildkit': 'COPY . /app',
    'BusyBox 1.37.0 (glibc), Debian 12': 'BusyBox 1.37.0 (glibc), Debian 12',
    '/bin/sh -c echo a\necho b # buildkit': 'RUN echo a\necho b',
  }
  for (const [line, step] of Object.entries(lines)) it(line, () => expect(cleanStep(line)).toBe(step))
})

describe('steps belong to layers', () => {
  const history = [{ created_by: 'ADD a' }, { created_by: 'ENV x=1', empty_layer: true }, { created_by: 'COPY b' }]

  it('without those that made none', () => expect(buildSteps({ history }, 2)).toEqual(['ADD a', 'COPY b']))

  it('or to none, when the history does not fit', () => {
    expect(buildSteps({ history }, 3)).toEqual([null, null, null])
    expect(buildSteps({}, 1)).toEqual([null])
  })
})
