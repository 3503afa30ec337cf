import { z } from 'zod'

/** No NUL character and no half of a character (a surrogate without its pair): a database keeps neither. */
export const isStorableText = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

/**
 * Text of people on one line, trimmed, not blank. Control characters and halves of characters are refused at the door:
 * a database keeps neither.
 */
export const lineSchema = (maxLength: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maxLength)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'one line of text without control characters')

/** The same with line breaks and tabs. */
export const textSchema = (maxLength: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maxLength)
    .regex(/^(?:[^\p{Cc}\p{Cs}]|[\t\n\r])*$/u, 'text without control characters')
