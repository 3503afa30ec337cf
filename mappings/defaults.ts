/** The mappings a new connection starts from: defaults/<vendor>-<entity>.json, checked when they are read. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MappingDocument, mappingDocumentSchema } from './document.ts'

export interface DefaultMapping {
  readonly vendor: string
  readonly document: MappingDocument
}

const folder = join(import.meta.dirname, 'defaults')

/** Throws when a file is not a mapping document, or its name and content disagree: a fault of the release. */
export function readDefaultMappings(): DefaultMapping[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const document = mappingDocumentSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')))
      const [vendor = '', entity] = file.replace('.json', '').split('-')
      if (entity !== document.entity) throw new Error(`${file} holds the mapping of ${document.entity}`)
      return { vendor, document }
    })
}
