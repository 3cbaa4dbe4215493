import type { ImageInventory } from '../core/inventory.ts'

/**
 * An inventory whose texts any database keeps: they come out of images, and JSON can write a NUL and half of a
 * character. One such name must not keep everything else of its image from being known.
 */
export function plainInventory(inventory: ImageInventory): ImageInventory {
  // The same type as before: only characters inside texts are other ones.
  return JSON.parse(JSON.stringify(inventory), (_, value: unknown) =>
    typeof value === 'string' ? plainText(value) : value,
  ) as ImageInventory
}

/** The text with `U+FFFD` in place of what is no character. */
export function plainText(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed()
}
