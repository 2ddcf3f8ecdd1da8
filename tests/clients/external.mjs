// Ask the gatekeeper with a token of the agency's own identity provider, bound by DPoP, as oauth4webapi does it.
//
//   node external.mjs ISSUER CLIENT_ID CLIENT_SECRET GATE [--times=1] [--bearer] < request.json
//
// Prints one line of JSON: {"token_type": …, "answers": [{"status", "body"}]}.
import { parseArgs } from 'node:util'
import { text } from 'node:stream/consumers'
import * as oauth from 'oauth4webapi'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { times: { type: 'string', default: '1' }, bearer: { type: 'boolean', default: false } },
})
const [issuer, clientId, secret, gate] = positionals
const insecure = { [oauth.allowInsecureRequests]: true }
const body = await text(process.stdin)
const client = { client_id: clientId }
const found = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oidc', ...insecure })
const server = await oauth.processDiscoveryResponse(new URL(issuer), found)
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
const bound = values.bearer ? insecure : { DPoP, ...insecure }
const again = async (attempt) => {
  try {
    return await attempt()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return await attempt()
  }
}
const parameters = { scope: 'reads:query', resource: gate }
const given = await again(async () =>
  oauth.processClientCredentialsResponse(
    server,
    client,
    await oauth.clientCredentialsGrantRequest(server, client, oauth.ClientSecretBasic(secret), parameters, bound),
  ),
)
const url = new URL('/v1/queries', gate)
const ask = () =>
  oauth.protectedResourceRequest(
    given.access_token,
    'POST',
    url,
    new Headers({ 'content-type': 'application/json' }),
    body,
    bound,
  )
const answers = []
for (let n = 0; n < Number(values.times); n++) {
  let response
  try {
    response = await again(ask)
  } catch (error) {
    response = error.response ?? error.cause
    if (!(response instanceof Response)) throw error
  }
  answers.push({ status: response.status, body: await response.json() })
}
console.log(JSON.stringify({ token_type: given.token_type, answers }))
