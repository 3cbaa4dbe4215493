import { expect, it } from 'bun:test'
import { BlobSource } from './blob-source.ts'

const SIZE = 2_500_000
const joined = (pieces: Iterable<Uint8Array>) => Buffer.concat([...pieces])

it('makes blobs of the size and the digest that it says, each another', () => {
  const source = new BlobSource(SIZE)
  const [one, other] = [source.next(), source.next()]
  for (const blob of [one, other]) {
    const bytes = joined(blob.pieces())
    expect(bytes.length).toBe(SIZE)
    expect(`sha256:${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}`).toBe(blob.digest)
  }
  expect(one.digest).not.toBe(other.digest)
})

it('gives parts that come to the whole, wherever it is cut', () => {
  const blob = new BlobSource(SIZE).next()
  const whole = joined(blob.pieces())
  for (const cut of [1, 999_999, 1_000_000, SIZE - 64, SIZE - 63, SIZE - 1]) {
    expect(joined([...blob.pieces(0, cut), ...blob.pieces(cut, SIZE)]).equals(whole)).toBe(true)
  }
})
