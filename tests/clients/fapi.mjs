// Ask the gatekeeper as an agency of the FAPI 2.0 profile: private_key_jwt, and tokens bound by DPoP.
//
//   node fapi.mjs LIBRARY ISSUER CLIENT_ID KEY.pem KID [--path=/v1/queries] [--details=JSON] [--times=1] < request.json
//
// LIBRARY is openid-client or oauth4webapi. Prints one line of JSON: {"token_type": …, "answers": [{"status", "body"}]}.
import { parseArgs } from 'node:util'
import { text } from 'node:stream/consumers'
import * as openid from 'openid-client'
import * as oauth from 'oauth4webapi'
import { byKey, failure, signingKey } from './session.mjs'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    path: { type: 'string', default: '/v1/queries' },
    details: { type: 'string' },
    times: { type: 'string', default: '1' },
  },
})
const [library, issuer, clientId, file, kid] = positionals
const parameters = { scope: 'reads:query ledger:read' }
if (values.details) parameters.authorization_details = values.details
const body = await text(process.stdin)
const method = body ? 'POST' : 'GET'
const url = new URL(values.path, issuer)
const headers = () => new Headers(body ? { 'content-type': 'application/json' } : {})

const viaOpenidClient = async () => {
  const config = await byKey(issuer, clientId, file, kid)
  const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'))
  const given = await openid.clientCredentialsGrant(config, parameters, { DPoP })
  const ask = () =>
    openid.fetchProtectedResource(config, given.access_token, url, method, body || null, headers(), { DPoP })
  return { given, ask }
}

const viaOauth4webapi = async () => {
  const insecure = { [oauth.allowInsecureRequests]: new URL(issuer).protocol === 'http:' }
  const found = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...insecure })
  const server = await oauth.processDiscoveryResponse(new URL(issuer), found)
  const client = { client_id: clientId }
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  const authentication = oauth.PrivateKeyJwt(await signingKey(file, kid))
  // The library says when a nonce is wanted, and remembers it; asking again is its user's.
  const again = async (attempt) => {
    try {
      return await attempt()
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error
      return await attempt()
    }
  }
  const given = await again(async () =>
    oauth.processClientCredentialsResponse(
      server,
      client,
      await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, { DPoP, ...insecure }),
    ),
  )
  const ask = () =>
    again(() =>
      oauth.protectedResourceRequest(given.access_token, method, url, headers(), body || null, { DPoP, ...insecure }),
    )
  return { given, ask }
}

try {
  const { given, ask } = await { 'openid-client': viaOpenidClient, oauth4webapi: viaOauth4webapi }[library]()
  const answers = []
  for (let n = 0; n < Number(values.times); n++) {
    let response
    try {
      response = await ask()
    } catch (error) {
      // A challenge is an answer too: the libraries throw on WWW-Authenticate.
      response = error.response ?? error.cause
      if (!(response instanceof Response)) throw error
    }
    answers.push({ status: response.status, body: await response.json() })
  }
  console.log(JSON.stringify({ token_type: given.token_type, details: given.authorization_details, answers }))
} catch (error) {
  console.log(JSON.stringify({ failure: failure(error) }))
  process.exitCode = 1
}
