/** One value of a request into the form it is stored in, or the error that Dataverse answers with. */
import { roundHalfUp } from '../rounding.ts'
import { readDay, readInstant } from './dates.ts'
import { errors } from './errors.ts'
import { readGuid } from './guids.ts'
import { type Attribute, isNumeric, isOption, type Scalar, type TableSchema } from './schema.ts'

const edmTypes: Partial<Record<Attribute['type'], string>> = {
  Integer: 'Edm.Int32',
  BigInt: 'Edm.Int64',
  Decimal: 'Edm.Decimal',
  Double: 'Edm.Double',
  Money: 'Edm.Decimal',
  Boolean: 'Edm.Boolean',
  Picklist: 'Edm.Int32',
  State: 'Edm.Int32',
  Status: 'Edm.Int32',
  Uniqueidentifier: 'Edm.Guid',
}

const edmType = (attribute: Attribute) =>
  attribute.type === 'DateTime'
    ? attribute.dateOnly
      ? 'Edm.Date'
      : 'Edm.DateTimeOffset'
    : (edmTypes[attribute.type] ?? 'Edm.String')

/** Throws a DataverseError where the value is of the wrong kind, too long, out of range or no option. */
export function readValue(schema: TableSchema, attribute: Attribute, raw: unknown): Scalar {
  const { logicalName: name } = attribute
  const object = schema.logicalName
  const misfit = () =>
    errors.payload(
      schema.entitySet,
      `Cannot convert the literal '${String(raw)}' to the expected type '${edmType(attribute)}'.`,
    )
  if (raw === null) return null
  if (isOption(attribute)) {
    if (typeof raw !== 'number' || !Number.isInteger(raw)) throw misfit()
    const accepted = attribute.options.map((option) => option.value)
    if (!accepted.includes(raw)) throw errors.unknownOption(name, object, raw, accepted)
    return raw
  }
  if (isNumeric(attribute)) {
    const whole = attribute.type === 'Integer' || attribute.type === 'BigInt'
    if (typeof raw !== 'number' || (whole && !Number.isInteger(raw))) throw misfit()
    const value = whole ? raw : roundHalfUp(raw, attribute.precision)
    if (value < attribute.minValue || value > attribute.maxValue) throw errors.outOfRange(name, object, raw)
    return value
  }
  if (attribute.type === 'Boolean') {
    if (typeof raw !== 'boolean') throw misfit()
    return raw
  }
  if (typeof raw !== 'string') throw misfit()
  if (attribute.type === 'DateTime') {
    const value = attribute.dateOnly ? readDay(raw) : readInstant(raw)
    if (value === null) throw misfit()
    return value
  }
  if (attribute.type === 'Uniqueidentifier') {
    const value = readGuid(raw)
    if (value === null) throw misfit()
    return value
  }
  if ([...raw].length > attribute.maxLength && attribute.maxLength > 0) {
    throw errors.tooLong(name, object, attribute.maxLength)
  }
  return raw === '' ? null : raw
}
