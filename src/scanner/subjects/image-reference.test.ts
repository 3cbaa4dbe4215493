import { describe, expect, it } from 'bun:test'
import { parseImageReference } from './image-reference.ts'

const digest = `sha256:${'a'.repeat(64)}`

describe('the reference of an image', () => {
  it.each([
    ['debian', 'docker.io', 'registry-1.docker.io', 'library/debian', 'latest'],
    ['debian:12', 'docker.io', 'registry-1.docker.io', 'library/debian', '12'],
    ['index.docker.io/grafana/grafana', 'docker.io', 'registry-1.docker.io', 'grafana/grafana', 'latest'],
    ['localhost/app', 'localhost', 'localhost', 'app', 'latest'],
    ['127.0.0.1:5000/demo/app:1', '127.0.0.1:5000', '127.0.0.1:5000', 'demo/app', '1'],
    ['[::1]:5000/demo/app', '[::1]:5000', '[::1]:5000', 'demo/app', 'latest'],
    [`ghcr.io/a/b/c:1@${digest}`, 'ghcr.io', 'ghcr.io', 'a/b/c', digest],
    [`demo/app@${digest}`, 'docker.io', 'registry-1.docker.io', 'demo/app', digest],
  ])('reads %s by the rules of docker', (text, host, endpoint, name, reference) => {
    expect(parseImageReference(text)).toMatchObject({ host, endpoint, name, reference })
  })

  it.each([
    '',
    'demo/App',
    'demo/../app',
    'demo//app',
    'demo/app:',
    'demo/app:a b',
    'demo/app@sha256:12',
    'host:99999999/app',
    'user@host.example/app',
    'ho st.example/app',
    'host.example/',
    'a.b?x=1/app',
    'https://host.example/app',
  ])('refuses %p', (text) => {
    expect(() => parseImageReference(text)).toThrow('is neither a file, nor a folder, nor the reference')
  })
})
