import { z } from 'zod'
import type { FieldValue } from '../../src/kernel/field-value.ts'
import { readDecimal, shortestText } from '../decimal.ts'
import {
  doubtful,
  issueOf,
  type LineNames,
  type LocalFields,
  type Problem,
  show,
  type Transform,
  wrong,
} from './transform.ts'

const maxLength = z.int().min(1).max(200_000)

/**
 * Text of a limited length, without the white space around it, which CRMs drop. Longer text is an issue, or is cut with
 * a visible "…", and then only goes out.
 */
export const textSchema = z.strictObject({
  kind: z.literal('text'),
  maxLength,
  overflow: z.enum(['issue', 'cut']),
})

/** Text made of other fields, `Deal {number}: {company}`; goes out only. */
export const templateSchema = z.strictObject({
  kind: z.literal('template'),
  text: z.string().min(1).max(500),
  maxLength,
})

type TextVia = z.infer<typeof textSchema>
type TemplateVia = z.infer<typeof templateSchema>

export function bindText({ maxLength, overflow }: Omit<TextVia, 'kind'>, line: LineNames): Transform {
  const [field] = line.remote
  return {
    direction: overflow === 'cut' ? 'out' : 'both',
    localTypes: ['text', 'choice'],
    remoteTypes: ['text', 'choice'],
    maxRemotes: 1,
    toRemote(value) {
      if (typeof value !== 'string') return issueOf(line, 'wrong_type', `${show(value)} is not text`)
      const text = tidyText(value)
      if (text.length <= maxLength) return { ok: true, fields: { [field]: text || null } }
      if (overflow === 'cut') return { ok: true, fields: { [field]: cutText(text, maxLength) } }
      return issueOf(
        line,
        'too_long',
        `the text has ${text.length} characters, ${field} holds ${maxLength} at most`,
      )
    },
    toLocal(remote) {
      const value = remote[field] ?? null
      if (typeof value === 'string') return { ok: true, value: tidyText(value) || null }
      const decimal = typeof value === 'number' ? readDecimal(value) : null
      if (decimal) return { ok: true, value: shortestText(decimal) }
      return issueOf(line, 'wrong_type', `the CRM holds ${show(value)}, which is not text`)
    },
    checkLocal(local, flows) {
      const ours = local.maxLength ?? maxLength
      const problems: Problem[] = []
      if (flows.out && overflow === 'issue' && ours > maxLength) {
        problems.push(
          doubtful(
            'too_long',
            `${local.name} may have ${ours} characters, the mapping sends ${maxLength} at most`,
          ),
        )
      }
      if (flows.in && ours < maxLength) {
        problems.push(
          doubtful('too_long', `${local.name} takes ${ours} characters, the mapping lets ${maxLength} in`),
        )
      }
      return problems
    },
    checkRemote(described, flows) {
      if (!flows.out) return []
      if (described.type === 'choice' && described.restrictedChoices) {
        return [wrong('choices_restricted', `${field} takes only its own choices: use a choice table`)]
      }
      const room = described.maxLength
      return room !== null && room < maxLength
        ? [wrong('too_long', `${field} holds ${room} characters, the mapping would send up to ${maxLength}`)]
        : []
    },
  }
}

export function bindTemplate(via: TemplateVia, line: LineNames): Transform {
  const placeholders = placeholdersOf(via.text)
  return {
    ...bindText({ maxLength: via.maxLength, overflow: 'cut' }, line),
    remoteTypes: ['text'],
    uses: placeholders,
    render: (fields) => renderTemplate(via.text, fields),
  }
}

const placeholder = /\{([^{}]*)\}/g
const placeholdersOf = (text: string): string[] => [
  ...new Set([...text.matchAll(placeholder)].map(([, name = '']) => name)),
]

/** Blank fields leave no gap; an amount is followed by its currency. */
function renderTemplate(text: string, fields: LocalFields): string {
  const filled = text.replace(placeholder, (_, name: string) => textOf(fields[name] ?? null))
  return tidyText(filled.replace(/\s+/g, ' '))
}

function textOf(value: FieldValue): string {
  if (value === null) return ''
  return typeof value === 'object' ? `${value.amount} ${value.currency}` : String(value)
}

const tidyText = (text: string): string => text.replaceAll('\r\n', '\n').trim()

/** Never splits a character that takes two code units. */
function cutText(text: string, length: number): string {
  const kept = text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')
  return `${kept.trimEnd()}…`
}
