/** Errors as Dataverse words them: `{"error":{"code":"0x8…","message":"…"}}`, with the code and the status of each. */

export class DataverseError extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>
  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'DataverseError'
    this.status = status
    this.code = code
    this.headers = headers
  }
}

export const errorBody = ({ code, message }: { readonly code: string; readonly message: string }) => ({
  error: { code, message },
})

export const errors = {
  /** The body does not fit the table: unknown property, wrong JSON kind. */
  payload: (entitySet: string, reason: string) =>
    new DataverseError(
      400,
      '0x80048d19',
      `Error identified in Payload provided by the user for Entity :'${entitySet}', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ----> InnerException : Microsoft.OData.ODataException: ${reason}`,
    ),
  unreadable: (reason: string) =>
    new DataverseError(400, '0x80048d19', `Stream was not readable. ${reason}`.trim()),
  /** Anything wrong with the address, a query option or the frame of a batch. */
  badRequest: (message: string) => new DataverseError(400, '0x80060888', message),
  noResource: (segment: string) =>
    new DataverseError(404, '0x80060888', `Resource not found for the segment '${segment}'.`),
  noProperty: (name: string, object: string) =>
    new DataverseError(
      400,
      '0x80060888',
      `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.${object}'.`,
    ),
  methodNotAllowed: (method: string) =>
    new DataverseError(405, '0x80060888', `The requested resource does not support http method '${method}'.`),
  notImplemented: (what: string) => new DataverseError(501, '0x80040229', `${what} is not implemented.`),
  noRecord: (object: string, id: string) =>
    new DataverseError(404, '0x80040217', `Entity '${object}' With Id = ${id} Does Not Exist`),
  noRecordByKey: (object: string) =>
    new DataverseError(
      404,
      '0x80060891',
      `A record with the specified key values does not exist in ${object} entity`,
    ),
  noKey: (object: string, attributes: readonly string[]) =>
    new DataverseError(
      400,
      '0x80060890',
      `The specified key attributes (${attributes.join(', ')}) are not a defined key for the ${object} entity`,
    ),
  noAttribute: (object: string, attribute: string) =>
    new DataverseError(
      400,
      '0x80041103',
      `'${object}' entity doesn't contain attribute with Name = '${attribute}'.`,
    ),
  recordExists: () =>
    new DataverseError(412, '0x80040237', 'A record with matching key values already exists.'),
  keyViolated: (key: string, attributes: readonly string[]) =>
    new DataverseError(
      412,
      '0x80060892',
      `Entity Key ${key} violated. A record with the same value for ${attributes.join(', ')} already exists. A duplicate record cannot be created. Select one or more unique values and try again.`,
    ),
  duplicateRule: () =>
    new DataverseError(
      412,
      '0x80040333',
      'A record was not created or updated because a duplicate of the current record already exists.',
    ),
  versionMismatch: () =>
    new DataverseError(
      412,
      '0x80060882',
      "The version of the existing record doesn't match the RowVersion property provided.",
    ),
  noOptimisticConcurrency: (object: string) =>
    new DataverseError(
      400,
      '0x80060883',
      `Optimistic concurrency isn't enabled for entity type ${object}. The IfVersionMatches value of ConcurrencyBehavior can only be used if optimistic concurrency is enabled.`,
    ),
  tooLong: (attribute: string, object: string, maxLength: number) =>
    new DataverseError(
      400,
      '0x80044331',
      `A validation error occurred.  The length of the '${attribute}' attribute of the '${object}' entity exceeded the maximum allowed length of '${maxLength}'.`,
    ),
  outOfRange: (attribute: string, object: string, value: unknown) =>
    new DataverseError(
      400,
      '0x80044330',
      `A validation error occurred. The value ${String(value)} of '${attribute}' on record of type '${object}' is outside the valid range.`,
    ),
  unknownOption: (attribute: string, object: string, value: unknown, accepted: readonly number[]) =>
    new DataverseError(
      400,
      '0x8004431a',
      `A validation error occurred. The value ${String(value)} of '${attribute}' on record of type '${object}' is outside the valid range. Accepted Values: ${accepted.join(',')}`,
    ),
  badStatus: (status: unknown, state: unknown, object: string) =>
    new DataverseError(
      400,
      '0x80048408',
      `${String(status)} is not a valid status code for state code ${String(state)} of entity ${object}`,
    ),
  cannotBeNull: (attribute: string, object: string) =>
    new DataverseError(
      400,
      '0x80040203',
      `Attribute '${attribute}' of entity '${object}' cannot be set to NULL`,
    ),
  /** A customer's own rule or plug-in said no. */
  refusedByRule: (message: string) => new DataverseError(400, '0x80040265', message),
  privilege: (privilege: string, userId: string) =>
    new DataverseError(
      403,
      '0x80040220',
      `Principal user (Id=${userId}, type=8, roleCount=1) is missing ${privilege} privilege on OTC=0 for entity.`,
    ),
  accessDenied: () => new DataverseError(403, '0x80048306', 'Access is denied.'),
  setStateNotAllowed: (state: string) =>
    new DataverseError(
      400,
      '0x80100005',
      `This message can not be used to set the state of opportunity to ${state}. In order to set state of opportunity to ${state}, use the ${state === 'Won' ? 'Win' : 'Lose'}Opportunity message instead.`,
    ),
  alreadyClosed: () =>
    new DataverseError(400, '0x80040515', 'The opportunity has already been closed. It is read-only.'),
  alreadyOpen: () => new DataverseError(400, '0x8004051a', 'The opportunity is already in the open state.'),
  notTracked: (object: string) =>
    new DataverseError(400, '0x80060888', `Change tracking is not enabled for entity ${object}.`),
  notWithTracking: (option: string) =>
    new DataverseError(
      400,
      '0x80060888',
      `The "${option}" query parameter isn't supported when Change Tracking is enabled.`,
    ),
  expiredVersion: () =>
    new DataverseError(
      400,
      '0x80044352',
      'Version stamp associated with the client has expired. Please perform a full sync.',
    ),
} as const
