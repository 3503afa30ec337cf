import { describe, expect, test } from 'vitest'
import { InvalidInput, NotAllowed, NotFound } from '#src/kernel/errors.ts'
import { newId, type PartnerId, type UserId } from '#src/kernel/ids.ts'
import {
  acme,
  admin,
  clock,
  first,
  other,
  partnerActor,
  partners,
  run,
  system,
  usePartners,
} from '#test/support/partners.ts'

usePartners()

describe('a user', () => {
  const paula = () => ({ email: 'Paula@Acme.example', name: 'Paula', roles: ['partner_seller' as const] })
  let paulaId: UserId

  test('of a partner is managed by its administrator, within the organisation', async () => {
    const actor = partnerActor(acme)
    const user = await run(actor, (tx) => partners.createUser(tx, actor, paula()))
    paulaId = user.id
    expect(user).toMatchObject({ partnerId: acme, email: 'paula@acme.example', status: 'active' })
    const foreign = run(actor, (tx) => partners.createUser(tx, actor, { ...paula(), partnerId: other }))
    await expect(foreign).rejects.toBeInstanceOf(NotAllowed)
    const vendorRole = run(actor, (tx) =>
      partners.createUser(tx, actor, { ...paula(), email: 'x@acme.example', roles: ['administrator'] }),
    )
    await expect(vendorRole).rejects.toBeInstanceOf(InvalidInput)
  })

  test('is invisible to other partners', async () => {
    const actor = partnerActor(other)
    expect(await run(actor, (tx) => partners.listUsers(tx, {}, first))).toEqual([])
    expect(await run(actor, (tx) => partners.findUser(tx, paulaId))).toBeNull()
    const edit = run(actor, (tx) => partners.updateUser(tx, actor, paulaId, { name: 'X' }, null))
    await expect(edit).rejects.toBeInstanceOf(NotFound)
  })

  test('has an address of its own, whatever its case', async () => {
    const again = run(admin, (tx) =>
      partners.createUser(tx, admin, { ...paula(), email: 'PAULA@acme.EXAMPLE', partnerId: other }),
    )
    await expect(again).rejects.toMatchObject({ code: 'email_taken' })
  })

  test('is found as a recipient by role while active', async () => {
    const recipients = () =>
      run(partnerActor(other), (tx) => partners.recipients(tx, acme, ['partner_seller']))
    expect(await recipients()).toMatchObject([{ name: 'Paula', email: 'paula@acme.example' }])
    await run(admin, (tx) => partners.updateUser(tx, admin, paulaId, { status: 'disabled' }, null))
    expect(await recipients()).toEqual([])
    await run(admin, (tx) => partners.updateUser(tx, admin, paulaId, { status: 'active' }, null))
  })
})

describe('a token', () => {
  const authenticate = (secret: string) => run(system, (tx) => partners.authenticate(tx, secret))
  const person = (
    partnerId: PartnerId | null,
    roles: readonly ('partner_seller' | 'partner_finance' | 'approver')[],
  ) =>
    run(admin, (tx) =>
      partners.createUser(tx, admin, {
        partnerId,
        email: `${newId()}@x.example`,
        name: 'Kim',
        roles: [...roles],
      }),
    )

  test('acts for its user, with the roles of its scope that the user still has', async () => {
    const kim = await person(acme, ['partner_seller', 'partner_finance'])
    const { secret, token } = await run(admin, (tx) =>
      partners.createToken(tx, admin, { userId: kim.id, name: 'Script', roles: ['partner_seller'] }),
    )
    expect(secret).toMatch(/^cp_[\w-]{43}$/)
    expect(token).not.toHaveProperty('secretHash')
    const expected = { kind: 'partner', id: kim.id, name: 'Kim', partnerId: acme }
    expect(await authenticate(secret)).toEqual({ ...expected, roles: ['partner_seller'] })
    await run(admin, (tx) => partners.updateUser(tx, admin, kim.id, { roles: ['partner_finance'] }, null))
    expect(await authenticate(secret)).toEqual({ ...expected, roles: [] })
  })

  test('ends with revocation, expiry, its user or its partner', async () => {
    const kim = await person(acme, ['partner_seller'])
    const issue = (expiresAt: Date | null) =>
      run(admin, (tx) => partners.createToken(tx, admin, { userId: kim.id, name: 'T', expiresAt }))
    const revoked = await issue(null)
    await run(admin, (tx) => partners.revokeToken(tx, admin, revoked.token.id))
    expect(await authenticate(revoked.secret)).toBeNull()
    const expiring = await issue(new Date('2030-02-01T00:00:00Z'))
    expect(await authenticate(expiring.secret)).not.toBeNull()
    clock.now = new Date('2030-02-01T00:00:00Z')
    expect(await authenticate(expiring.secret)).toBeNull()
    await expect(issue(clock.now)).rejects.toMatchObject({ issues: [{ path: '/expiresAt' }] })
    const lasting = await issue(null)
    await run(admin, (tx) => partners.updateUser(tx, admin, kim.id, { status: 'disabled' }, null))
    expect(await authenticate(lasting.secret)).toBeNull()
    await run(admin, (tx) => partners.updateUser(tx, admin, kim.id, { status: 'active' }, null))
    expect(await authenticate(lasting.secret)).not.toBeNull()
    await run(admin, (tx) => partners.updatePartner(tx, admin, acme, { status: 'ended' }, null))
    expect(await authenticate(lasting.secret)).toBeNull()
    await run(admin, (tx) => partners.updatePartner(tx, admin, acme, { status: 'active' }, null))
  })

  test('is refused when it is unknown or no token at all', async () => {
    expect(await authenticate('cp_nothing')).toBeNull()
    expect(await authenticate('')).toBeNull()
  })

  test('notes its use once an hour at most', async () => {
    const kim = await person(null, ['approver'])
    const { secret, token } = await run(admin, (tx) =>
      partners.createToken(tx, admin, { userId: kim.id, name: 'T' }),
    )
    const lastUse = async () =>
      (await run(admin, (tx) => partners.listTokens(tx, { userId: kim.id }, first)))[0]?.lastUsedAt
    await authenticate(secret)
    const noted = clock.now
    expect(await lastUse()).toEqual(noted)
    clock.now = new Date(clock.now.getTime() + 30 * 60_000)
    await authenticate(secret)
    expect(await lastUse()).toEqual(noted)
    clock.now = new Date(clock.now.getTime() + 31 * 60_000)
    await authenticate(secret)
    expect(await lastUse()).toEqual(clock.now)
    expect(token.lastUsedAt).toBeNull()
  })

  test('holds no role that its user lacks, and no partner touches those of another', async () => {
    const kim = await person(acme, ['partner_seller'])
    const wide = run(admin, (tx) =>
      partners.createToken(tx, admin, { userId: kim.id, name: 'T', roles: ['partner_finance'] }),
    )
    await expect(wide).rejects.toMatchObject({ issues: [{ path: '/roles/0', code: 'not_held' }] })
    const { token } = await run(admin, (tx) => partners.createToken(tx, admin, { userId: kim.id, name: 'T' }))
    const stranger = partnerActor(other)
    expect(await run(stranger, (tx) => partners.listTokens(tx, {}, first))).toEqual([])
    const revoke = run(stranger, (tx) => partners.revokeToken(tx, stranger, token.id))
    await expect(revoke).rejects.toBeInstanceOf(NotFound)
    const create = run(stranger, (tx) => partners.createToken(tx, stranger, { userId: kim.id, name: 'T' }))
    await expect(create).rejects.toBeInstanceOf(NotFound)
  })
})
