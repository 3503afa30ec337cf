/** The closed, growing set of transforms: one variant here, one file in transforms/. */
import { z } from 'zod'
import { bindBoolean, booleanSchema } from './transforms/boolean.ts'
import { bindChoice, choiceSchema } from './transforms/choice.ts'
import { bindCopy, copySchema } from './transforms/copy.ts'
import { bindDate, bindDatetime, dateSchema, datetimeSchema } from './transforms/date.ts'
import { bindFlags, flagsSchema } from './transforms/flags.ts'
import { bindMoney, moneySchema } from './transforms/money.ts'
import { bindNumber, numberSchema } from './transforms/number.ts'
import { bindReference, referenceSchema } from './transforms/reference.ts'
import { bindTemplate, bindText, templateSchema, textSchema } from './transforms/text.ts'
import type { LineNames, Transform } from './transforms/transform.ts'
import { bindUser, userSchema } from './transforms/user.ts'

export const viaSchema = z
  .discriminatedUnion('kind', [
    copySchema,
    textSchema,
    numberSchema,
    booleanSchema,
    choiceSchema,
    flagsSchema,
    moneySchema,
    dateSchema,
    datetimeSchema,
    referenceSchema,
    templateSchema,
    userSchema,
  ])
  .meta({ id: 'MappingTransform' })
export type Via = z.infer<typeof viaSchema>

/** Prepares a line's transform once, so that translating a value only looks things up. */
export function bindTransform(via: Via, line: LineNames): Transform {
  switch (via.kind) {
    case 'copy':
      return bindCopy(line)
    case 'text':
      return bindText(via, line)
    case 'number':
      return bindNumber(via, line)
    case 'boolean':
      return bindBoolean(via, line)
    case 'choice':
      return bindChoice(via, line)
    case 'flags':
      return bindFlags(via, line)
    case 'money':
      return bindMoney(via, line)
    case 'date':
      return bindDate(via, line)
    case 'datetime':
      return bindDatetime(via, line)
    case 'reference':
      return bindReference(via, line)
    case 'template':
      return bindTemplate(via, line)
    case 'user':
      return bindUser(via, line)
  }
}
