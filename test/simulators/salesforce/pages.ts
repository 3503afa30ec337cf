/** Read-only pages that show a person what the CRM holds: the newest records of each object, and every field of one. */
import type { FastifyInstance } from 'fastify'
import { escapeHtml, renderFrame } from '../page.ts'
import type { Organisation } from './organisation.ts'
import { type FieldSchema, findField, isNumeric, type Row, type Scalar } from './schema.ts'
import type { Table } from './tables.ts'

const pageSize = 50
const listed = ['Opportunity', 'Account', 'Contact', 'User', 'OpportunityStage']

function renderPage(organisation: Organisation, title: string, current: string, main: string): string {
  return renderFrame({
    organisation: organisation.name,
    simulator: 'Salesforce simulator',
    objects: listed.map((name) => ({
      name,
      label: organisation.tables.find(name)?.schema.labelPlural ?? name,
    })),
    current,
    title,
    main,
  })
}

function recordLink(organisation: Organisation, id: string): string {
  for (const table of organisation.tables.all.values()) {
    const row = table.rows.get(id)
    if (row === undefined) continue
    const name = String(row['Name'] ?? row['MasterLabel'] ?? id)
    return `<a href="/records/${table.schema.name}/${id}">${escapeHtml(name)}</a>`
  }
  return escapeHtml(id)
}

function renderValue(organisation: Organisation, field: FieldSchema, value: Scalar): string {
  if (value === null) return '<span class="blank">–</span>'
  if (field.type === 'reference') return recordLink(organisation, String(value))
  if (field.type === 'boolean') return value === true ? 'Yes' : 'No'
  if (field.type === 'currency' && typeof value === 'number') {
    return value.toLocaleString('en', { minimumFractionDigits: field.scale })
  }
  if (field.type === 'picklist') {
    const choice = field.picklistValues.find((each) => each.value === value)
    return escapeHtml(choice?.label ?? String(value))
  }
  if (field.type === 'datetime')
    return escapeHtml(String(value).replace('T', ' ').replace('.000+0000', ' UTC'))
  return escapeHtml(String(value))
}

function renderCell(organisation: Organisation, field: FieldSchema, row: Row): string {
  const inner = renderValue(organisation, field, row[field.name] ?? null)
  const shown = field.nameField
    ? `<a href="/records/${objectOf(organisation, row)}/${row['Id']}">${inner}</a>`
    : inner
  const kind = isNumeric(field) ? 'n' : field.type === 'date' ? 'd' : ''
  return `<td class="${kind}">${shown}</td>`
}

function objectOf(organisation: Organisation, row: Row): string {
  const prefix = String(row['Id']).slice(0, 3)
  const found = [...organisation.tables.all.values()].find((each) => each.schema.keyPrefix === prefix)
  return found?.schema.name ?? ''
}

/** A lookup shows the name of what it points to, not its id. */
function shortLabel(field: FieldSchema): string {
  return field.type === 'reference' ? field.label.replace(/ ID$/, '') : field.label
}

function renderList(organisation: Organisation, found: Table, page: number): string {
  const { schema } = found
  const rows = [...found.rows.values()].filter((row) => row['IsDeleted'] !== true).reverse()
  const names = [...schema.highlights, 'LastModifiedDate', 'LastModifiedById']
  const fields = names.flatMap((name) => findField(schema, name) ?? [])
  const shown = rows.slice((page - 1) * pageSize, page * pageSize)
  const head = fields.map((field) => `<th>${escapeHtml(shortLabel(field))}</th>`).join('')
  const body = shown
    .map((row) => `<tr>${fields.map((field) => renderCell(organisation, field, row)).join('')}</tr>`)
    .join('')
  const last = Math.max(1, Math.ceil(rows.length / pageSize))
  const newer = page > 1 ? `<a href="?page=${page - 1}">Newer</a>` : ''
  const older = page < last ? `<a href="?page=${page + 1}">Older</a>` : ''
  const main =
    rows.length === 0
      ? '<p class="blank">No records yet.</p>'
      : `<p>${rows.length === 1 ? '1 record' : `${rows.length} records`}, newest change first. Page ${page} of ${last}.</p>
<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table><nav>${newer}${older}</nav>`
  return renderPage(organisation, schema.labelPlural, schema.name, main)
}

function renderRecord(organisation: Organisation, found: Table, row: Row): string {
  const { schema } = found
  const lines = [...schema.fields.values()].map(
    (field) =>
      `<tr><th scope="row">${escapeHtml(shortLabel(field))}</th><td>${escapeHtml(field.name)}</td><td>${renderValue(organisation, field, row[field.name] ?? null)}</td></tr>`,
  )
  const changes = [...(found.history.get(String(row['Id'])) ?? [])].reverse().slice(0, pageSize)
  const history = changes.map((change) => {
    const what = Object.entries(change.fields).map(([name, value]) => `${name}: ${value ?? '–'}`)
    const who = change.by === 'system' ? 'System' : recordLink(organisation, change.by)
    return `<tr><td>${escapeHtml(change.at)}</td><td>${who}</td><td>${escapeHtml(what.join(', '))}</td></tr>`
  })
  const name = String(row['Name'] ?? row['MasterLabel'] ?? row['Id'])
  const gone = row['IsDeleted'] === true ? '<p class="gone">This record is deleted.</p>' : ''
  return renderPage(
    organisation,
    name,
    schema.name,
    `${gone}<table><tbody>${lines.join('')}</tbody></table><h2>History</h2>
<table><thead><tr><th>When</th><th>Who</th><th>What</th></tr></thead><tbody>${history.join('')}</tbody></table>`,
  )
}

interface PageRequest {
  readonly Params: { readonly object: string; readonly id?: string }
  readonly Querystring: { readonly page?: string }
}

export function addPages(app: FastifyInstance, organisation: Organisation): void {
  const html = 'text/html; charset=utf-8'
  const nothing = () =>
    renderPage(organisation, 'Not here', '', '<p>There is no such record in this organisation.</p>')

  app.get('/', (_request, reply) => reply.redirect('/records/Opportunity'))
  app.get<PageRequest>('/records/:object', (request, reply) => {
    const found = organisation.tables.find(request.params.object)
    const page = Math.max(1, Math.trunc(Number(request.query.page ?? 1)) || 1)
    reply.type(html)
    return found === undefined ? reply.code(404).send(nothing()) : renderList(organisation, found, page)
  })
  for (const url of ['/records/:object/:id', '/lightning/r/:object/:id/view']) {
    app.get<PageRequest>(url, (request, reply) => {
      const found = organisation.tables.find(request.params.object)
      const row = found?.rows.get(request.params.id ?? '')
      reply.type(html)
      return found === undefined || row === undefined
        ? reply.code(404).send(nothing())
        : renderRecord(organisation, found, row)
    })
  }
}
