import { readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { z } from 'zod'
import { toCountryCode } from '#src/customers/country.ts'

const companySchema = z.object({
  name: z.string().trim().min(1).max(200),
  domain: z.string().trim().min(4),
  city: z.string().trim(),
  zip: z.string().trim(),
  country: z.string().trim(),
})
export type Company = Readonly<z.infer<typeof companySchema>>

/** Real companies with a country that exists, one per domain, in the order of the file. */
export function readCompanies(file: string): readonly Company[] {
  const rows = z.array(z.unknown()).parse(parse(readFileSync(file), { columns: true, bom: true }))
  const byDomain = new Map<string, Company>()
  for (const row of rows) {
    const { success, data } = companySchema.safeParse(row)
    if (success && toCountryCode(data.country) !== null && !byDomain.has(data.domain))
      byDomain.set(data.domain, data)
  }
  return [...byDomain.values()]
}
