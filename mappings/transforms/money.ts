import { z } from 'zod'
import { isMoneyValue } from '../../src/kernel/field-value.ts'
import { currencyExponent, currencySchema, formatDecimal, parseDecimal } from '../../src/kernel/money.ts'
import { exactNumber, readDecimal, roundDecimal, shortestText } from '../decimal.ts'
import { numberFormSchema } from './number.ts'
import { doubtful, issueOf, type LineNames, type MappingContext, show, type Transform } from './transform.ts'

/**
 * An amount with its currency. The line's second remote field, if it has one, holds the ISO code and is used only where
 * the organisation has several currencies; everywhere else an amount in another currency than the home currency is an
 * issue. A remote amount below the currency's minor unit is rounded half to even; ours has the currency's places.
 */
export const moneySchema = z.strictObject({ kind: z.literal('money'), as: numberFormSchema })

export function bindMoney(via: z.infer<typeof moneySchema>, line: LineNames): Transform {
  const [amountField, currencyField] = line.remote
  const hasCurrency = (ctx: MappingContext) => ctx.multiCurrency && currencyField !== undefined
  const single = [amountField]
  return {
    direction: 'both',
    localTypes: ['money'],
    remoteTypes: via.as === 'text' ? ['currency', 'number', 'text'] : ['currency', 'number'],
    maxRemotes: 2,
    inputs: (multiCurrency) => (multiCurrency ? line.remote : single),
    toRemote(value, ctx) {
      if (!isMoneyValue(value)) return issueOf(line, 'wrong_type', `${show(value)} is not an amount`)
      const { amount, currency } = value
      if (!currencySchema.safeParse(currency).success) {
        return issueOf(line, 'no_currency', `${show(currency)} is not a currency`)
      }
      if (!hasCurrency(ctx)) {
        if (ctx.homeCurrency === null) return unknownHome(line)
        if (currency !== ctx.homeCurrency) return foreign(line, currency, ctx.homeCurrency)
      }
      const minor = parseDecimal(amount, currency)
      const exact = minor === null ? null : { units: minor, places: currencyExponent(currency) }
      const sent = exact && (via.as === 'text' ? shortestText(exact) : exactNumber(exact))
      if (sent === null) {
        return issueOf(line, 'too_precise', `${show(value)} cannot be sent without losing digits`)
      }
      return {
        ok: true,
        fields:
          ctx.multiCurrency && currencyField
            ? { [amountField]: sent, [currencyField]: currency }
            : { [amountField]: sent },
      }
    },
    toLocal(remote, ctx) {
      const raw = remote[amountField] ?? null
      const amount = readDecimal(raw)
      if (!amount) return issueOf(line, 'not_a_number', `the CRM holds ${show(raw)}, which is not an amount`)
      const currency = ctx.multiCurrency && currencyField ? remote[currencyField] : ctx.homeCurrency
      if (currency === null && !hasCurrency(ctx)) return unknownHome(line)
      if (typeof currency !== 'string' || !currencySchema.safeParse(currency).success) {
        return issueOf(line, 'no_currency', `the CRM's currency is ${show(currency ?? null)}`)
      }
      const places = currencyExponent(currency)
      const rounded = shortestText(roundDecimal(amount, places))
      const minor = parseDecimal(rounded, currency)
      return minor === null
        ? issueOf(line, 'not_a_number', `the CRM holds ${show(raw)}, more than any amount of ours`)
        : { ok: true, value: { amount: formatDecimal(minor, currency), currency } }
    },
    checkRemote: (described, flows) =>
      flows.out && described.scale !== null && described.scale < 2
        ? [
            doubtful(
              'too_precise',
              `${amountField} keeps ${described.scale} decimal places, cents would be lost`,
            ),
          ]
        : [],
  }
}

const unknownHome = (line: LineNames) =>
  issueOf(line, 'no_currency', "the CRM's only currency is not known: state it in the connection")

const foreign = (line: LineNames, currency: string, home: string) =>
  issueOf(line, 'wrong_currency', `the amount is in ${currency}, ${line.remote[0]} in the CRM is in ${home}`)
