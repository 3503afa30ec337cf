/** Read-only pages that show a person what the CRM holds: the newest records of each table, and every field of one. */
import type { FastifyInstance } from 'fastify'
import { escapeHtml, renderFrame } from '../page.ts'
import { readGuid } from './guids.ts'
import type { Organisation } from './organisation.ts'
import { formatValue } from './rows.ts'
import { type Attribute, isLookup, isNumeric, type Row } from './schema.ts'
import type { Table } from './tables.ts'

const pageSize = 50
const listed = ['opportunity', 'account', 'contact', 'transactioncurrency', 'systemuser']

function renderPage(organisation: Organisation, title: string, current: string, main: string): string {
  return renderFrame({
    organisation: organisation.name,
    simulator: 'Dynamics 365 simulator',
    objects: listed.map((name) => ({
      name,
      label: organisation.tables.find(name)?.schema.pluralLabel ?? name,
    })),
    current,
    title,
    main,
  })
}

const nameOf = (table: Table, row: Row) =>
  String(row[table.schema.primaryName] ?? row[table.schema.primaryId] ?? '')

const recordPath = (table: Table, id: string) => `/records/${table.schema.logicalName}/${id}`

function renderLookup(organisation: Organisation, attribute: Attribute, row: Row): string {
  const id = String(row[attribute.logicalName])
  for (const { object } of attribute.targets) {
    const table = organisation.tables.find(object)
    const linked = table?.rows.get(id)
    if (table === undefined || linked === undefined) continue
    return `<a href="${recordPath(table, id)}">${escapeHtml(nameOf(table, linked))}</a>`
  }
  return escapeHtml(id)
}

function renderValue(organisation: Organisation, table: Table, attribute: Attribute, row: Row): string {
  const value = row[attribute.logicalName] ?? null
  if (value === null || attribute.secret) return '<span class="blank">–</span>'
  if (isLookup(attribute)) return renderLookup(organisation, attribute, row)
  const text = formatValue(organisation, table, attribute, row) ?? String(value)
  return escapeHtml(attribute.type === 'DateTime' ? text.replace('T', ' ').replace(/Z$/, ' UTC') : text)
}

function renderCell(organisation: Organisation, table: Table, attribute: Attribute, row: Row): string {
  const { primaryName, primaryId } = table.schema
  const inner = renderValue(organisation, table, attribute, row)
  const isName = attribute.logicalName === primaryName
  const shown = isName ? `<a href="${recordPath(table, String(row[primaryId]))}">${inner}</a>` : inner
  const kind = isNumeric(attribute) ? 'n' : attribute.type === 'DateTime' ? 'd' : ''
  return `<td class="${kind}">${shown}</td>`
}

/** The records of one page, newest change first, told from the order of versions. */
function newestRows(table: Table, page: number): readonly Row[] {
  const rows: Row[] = []
  let skip = (page - 1) * pageSize
  for (let place = table.moved.length - 1; place >= 0 && rows.length < pageSize; place -= 1) {
    const entry = table.moved[place]
    const row = entry === undefined ? undefined : table.rows.get(entry.id)
    if (row === undefined || row['versionnumber'] !== entry?.version) continue
    if (skip > 0) skip -= 1
    else rows.push(row)
  }
  return rows
}

function renderList(organisation: Organisation, table: Table, page: number): string {
  const { schema } = table
  const total = table.rows.size
  const names = [...schema.highlights, 'modifiedon', 'modifiedby']
  const attributes = names.flatMap((name) => schema.attributes.get(name) ?? [])
  const head = attributes.map(({ label }) => `<th>${escapeHtml(label)}</th>`).join('')
  const body = newestRows(table, page).map(
    (row) =>
      `<tr>${attributes.map((attribute) => renderCell(organisation, table, attribute, row)).join('')}</tr>`,
  )
  const last = Math.max(1, Math.ceil(total / pageSize))
  const newer = page > 1 ? `<a href="?page=${page - 1}">Newer</a>` : ''
  const older = page < last ? `<a href="?page=${page + 1}">Older</a>` : ''
  const main =
    total === 0
      ? '<p class="blank">No records yet.</p>'
      : `<p>${total === 1 ? '1 record' : `${total} records`}, newest change first. Page ${page} of ${last}.</p>
<table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table><nav>${newer}${older}</nav>`
  return renderPage(organisation, schema.pluralLabel, schema.logicalName, main)
}

function renderWho(organisation: Organisation, by: string): string {
  if (by === 'system') return 'System'
  return escapeHtml(String(organisation.tables.find('systemuser')?.rows.get(by)?.['fullname'] ?? by))
}

function renderRecord(organisation: Organisation, table: Table, id: string, row: Row): string {
  const { schema } = table
  const attributes = [...schema.attributes.values()].filter(({ hidden }) => !hidden)
  const lines = attributes.map(
    (attribute) =>
      `<tr><th scope="row">${escapeHtml(attribute.label)}</th><td>${escapeHtml(attribute.logicalName)}</td><td>${renderValue(organisation, table, attribute, row)}</td></tr>`,
  )
  const changes = [...(table.history.get(id) ?? [])].reverse().slice(0, pageSize)
  const history = changes.map((change) => {
    const what = Object.entries(change.fields).map(([name, value]) => `${name}: ${String(value ?? '–')}`)
    return `<tr><td>${escapeHtml(change.at)}</td><td>${renderWho(organisation, change.by)}</td><td>${escapeHtml(what.join(', '))}</td></tr>`
  })
  const gone = table.rows.has(id) ? '' : '<p class="gone">This record is deleted.</p>'
  return renderPage(
    organisation,
    nameOf(table, row),
    schema.logicalName,
    `${gone}<table><tbody>${lines.join('')}</tbody></table><h2>History</h2>
<table><thead><tr><th>When</th><th>Who</th><th>What</th></tr></thead><tbody>${history.join('')}</tbody></table>`,
  )
}

interface PageRequest {
  readonly Params: { readonly object: string; readonly id?: string }
  readonly Querystring: { readonly page?: string; readonly etn?: string; readonly id?: string }
}

export function addPages(app: FastifyInstance, organisation: Organisation): void {
  const html = 'text/html; charset=utf-8'
  const show = (object: string, given: string) => {
    const table = organisation.tables.find(object)
    const id = readGuid(given) ?? ''
    const row = table?.rows.get(id) ?? table?.deletions.findLast((each) => each.id === id)?.row
    if (table !== undefined && row !== undefined)
      return { status: 200, page: renderRecord(organisation, table, id, row) }
    const nothing = '<p>There is no such record in this organisation.</p>'
    return { status: 404, page: renderPage(organisation, 'Not here', '', nothing) }
  }

  app.get('/', (_request, reply) => reply.redirect('/records/opportunity'))
  app.get<PageRequest>('/records/:object', (request, reply) => {
    const table = organisation.tables.find(request.params.object)
    const page = Math.max(1, Math.trunc(Number(request.query.page ?? 1)) || 1)
    if (table !== undefined) return reply.type(html).send(renderList(organisation, table, page))
    return reply.code(404).type(html).send(show(request.params.object, '').page)
  })
  app.get<PageRequest>('/records/:object/:id', (request, reply) => {
    const { status, page } = show(request.params.object, request.params.id ?? '')
    return reply.code(status).type(html).send(page)
  })
  // The address that Dynamics itself opens records at.
  app.get<PageRequest>('/main.aspx', (request, reply) => {
    const { status, page } = show(request.query.etn ?? '', request.query.id ?? '')
    return reply.code(status).type(html).send(page)
  })
}
