/** Read-only pages that show a person what the CRM holds: the newest records of each object, and every field of one. */
import type { FastifyInstance } from 'fastify'
import { escapeHtml, renderFrame } from '../page.ts'
import { findStage } from './derivations.ts'
import { findTable, type Portal } from './portal.ts'
import type { Property, Row } from './schema.ts'
import type { Table } from './tables.ts'

const pageSize = 50

const listed: Readonly<Record<string, readonly string[]>> = {
  deals: ['dealname', 'amount', 'deal_currency_code', 'dealstage', 'closedate', 'hubspot_owner_id'],
  companies: ['name', 'domain', 'city', 'country', 'type', 'hubspot_owner_id'],
  contacts: ['email', 'firstname', 'lastname', 'jobtitle', 'company'],
}

const labels: Readonly<Record<string, string>> = {
  deals: 'Deals',
  companies: 'Companies',
  contacts: 'Contacts',
}

function renderPage(portal: Portal, title: string, current: string, main: string): string {
  const objects = [...portal.tables.keys()].map((name) => ({ name, label: labels[name] ?? name }))
  return renderFrame({
    organisation: portal.name,
    simulator: 'HubSpot simulator',
    objects,
    current,
    title,
    main,
  })
}

const nameOf = (table: Table, row: Row) => row.properties[table.schema.displayProperty] ?? row.id

const readableMoment = (text: string) => text.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')

function showText(portal: Portal, table: Table, property: Property, value: string): string {
  if (property.name === 'hubspot_owner_id') {
    const owner = portal.owners.get(value)
    return owner === undefined ? value : `${owner.firstName} ${owner.lastName}`
  }
  if (property.name === 'dealstage') return findStage(portal, table.schema.name, value)?.stage.label ?? value
  if (property.name === 'pipeline')
    return portal.pipelines.get(table.schema.name)?.find(({ id }) => id === value)?.label ?? value
  if (property.type === 'bool') return value === 'true' ? 'Yes' : 'No'
  if (property.type === 'datetime') return readableMoment(value)
  if (property.type === 'enumeration')
    return property.options.find((each) => each.value === value)?.label ?? value
  if (property.showCurrencySymbol) return Number(value).toLocaleString('en', { minimumFractionDigits: 2 })
  return value
}

function renderValue(portal: Portal, table: Table, property: Property, row: Row): string {
  const value = row.properties[property.name]
  if (value === undefined) return '<span class="blank">–</span>'
  return escapeHtml(showText(portal, table, property, value))
}

function renderCell(portal: Portal, table: Table, property: Property, row: Row): string {
  const inner = renderValue(portal, table, property, row)
  const link = `<a href="/records/${table.schema.name}/${row.id}">${property.name === table.schema.displayProperty ? escapeHtml(nameOf(table, row)) : inner}</a>`
  const kind = property.type === 'number' ? 'n' : property.type === 'datetime' ? 'd' : ''
  return `<td class="${kind}">${property.name === table.schema.displayProperty ? link : inner}</td>`
}

function newestFirst(table: Table): readonly Row[] {
  const seen = table.index.changedSince('1970-01-01T00:00:00Z')
  return [...seen].reverse()
}

function renderList(portal: Portal, table: Table, page: number): string {
  const { schema } = table
  const rows = newestFirst(table)
  const names = [...(listed[schema.name] ?? []), schema.modifiedProperty]
  const properties = names.flatMap((name) => schema.properties.get(name) ?? [])
  const head = properties.map(({ label }) => `<th>${escapeHtml(label)}</th>`).join('')
  const body = rows
    .slice((page - 1) * pageSize, page * pageSize)
    .map((row) => `<tr>${properties.map((each) => renderCell(portal, table, each, row)).join('')}</tr>`)
    .join('')
  const last = Math.max(1, Math.ceil(rows.length / pageSize))
  const newer = page > 1 ? `<a href="?page=${page - 1}">Newer</a>` : ''
  const older = page < last ? `<a href="?page=${page + 1}">Older</a>` : ''
  const count = rows.length === 1 ? '1 record' : `${rows.length} records`
  const main =
    rows.length === 0
      ? '<p class="blank">No records yet.</p>'
      : `<p>${count}, newest change first. Page ${page} of ${last}.</p>
<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table><nav>${newer}${older}</nav>`
  return renderPage(portal, labels[schema.name] ?? schema.name, schema.name, main)
}

function renderAssociations(portal: Portal, table: Table, row: Row): string {
  const lines = [...portal.tables.values()].flatMap((to) =>
    [...portal.associations.read(table.schema.name, row.id, to.schema.name)].map(([id, types]) => {
      const other = to.rows.get(id)
      const shown = escapeHtml(other === undefined ? id : nameOf(to, other))
      const named = [...types].flatMap((typeId) => portal.associations.types.get(typeId)?.label ?? [])
      const link = `<a href="/records/${to.schema.name}/${id}">${shown}</a>`
      return `<tr><td>${escapeHtml(to.schema.singular)}</td><td>${link}</td><td>${escapeHtml(named.join(', '))}</td></tr>`
    }),
  )
  return lines.length === 0 ? '' : `<h2>Associations</h2><table><tbody>${lines.join('')}</tbody></table>`
}

function nameActor(portal: Portal, by: string): string {
  if (by === 'system') return 'System'
  const owner = [...portal.owners.values()].find(({ userId }) => String(userId) === by)
  return owner === undefined ? by : `${owner.firstName} ${owner.lastName}`
}

function renderRecord(portal: Portal, table: Table, row: Row): string {
  const fields = [...table.schema.properties.values()].map(
    (property) =>
      `<tr><th scope="row">${escapeHtml(property.label)}</th><td>${escapeHtml(property.name)}</td><td>${renderValue(portal, table, property, row)}</td></tr>`,
  )
  const changes = [...(table.history.get(row.id) ?? [])].reverse().slice(0, pageSize)
  const history = changes.map(({ at, by, fields: changed }) => {
    const what = Object.entries(changed).map(([name, value]) => `${name}: ${value === '' ? '–' : value}`)
    return `<tr><td>${escapeHtml(readableMoment(at))}</td><td>${escapeHtml(nameActor(portal, by))}</td><td>${escapeHtml(what.join(', '))}</td></tr>`
  })
  const merged = row.mergedInto
  const gone =
    merged !== null
      ? `<p class="gone">This record was merged into <a href="/records/${table.schema.name}/${merged}">${merged}</a>.</p>`
      : row.archived
        ? '<p class="gone">This record is deleted.</p>'
        : ''
  return renderPage(
    portal,
    nameOf(table, row),
    table.schema.name,
    `${gone}<table><tbody>${fields.join('')}</tbody></table>${renderAssociations(portal, table, row)}<h2>History</h2>
<table><thead><tr><th>When</th><th>Who</th><th>What</th></tr></thead><tbody>${history.join('')}</tbody></table>`,
  )
}

interface PageRequest {
  readonly Params: { readonly object: string; readonly id?: string }
  readonly Querystring: { readonly page?: string }
}

export function addPages(app: FastifyInstance, portal: Portal): void {
  const html = 'text/html; charset=utf-8'
  const nothing = () => renderPage(portal, 'Not here', '', '<p>There is no such record in this portal.</p>')

  app.get('/', (_request, reply) => reply.redirect('/records/deals'))
  app.get<PageRequest>('/records/:object', (request, reply) => {
    const table = findTable(portal, request.params.object)
    const page = Math.max(1, Math.trunc(Number(request.query.page ?? 1)) || 1)
    reply.type(html)
    return table === undefined ? reply.code(404).send(nothing()) : renderList(portal, table, page)
  })
  /** The second is where the vendor's own pages are. */
  for (const url of ['/records/:object/:id', '/contacts/:portal/record/:object/:id']) {
    app.get<PageRequest>(url, (request, reply) => {
      const table = findTable(portal, request.params.object)
      const row = table?.rows.get(request.params.id ?? '')
      reply.type(html)
      return table === undefined || row === undefined
        ? reply.code(404).send(nothing())
        : renderRecord(portal, table, row)
    })
  }
}
