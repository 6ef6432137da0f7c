// Authorization servers for the rows of interop.cpp and authentication.cpp, at two free ports of
// 127.0.0.1; the second one requests client certificates. oidc-provider is at the root and, as another
// issuer, at /tenant; oauth2-server.mjs is at /oauth2-server, and /proof verifies DPoP proofs.
//
//   node server.mjs DIRECTORY     the directory of certificates and keys that run.sh made
//
// Prints its issuer and the second address when it is ready. It ends when its standard input does, so
// that it never outlives its parent.

import {
  createHash, createPrivateKey, createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import Provider, { errors } from 'oidc-provider';
import { response as responseOfAnother } from './oauth2-server.mjs';

process.stdin.resume().on('end', () => process.exit()).on('error', () => process.exit());

const directory = process.argv[2];
const read = (name) => readFileSync(`${directory}/${name}`);

const publicKey = (name) => ({
  ...createPublicKey(read(`${name}.pub`)).export({ format: 'jwk' }), kid: name, use: 'sig' });
const keyOf = {
  RS256: 'rsa', RS384: 'rsa', RS512: 'rsa', PS256: 'rsa', PS384: 'rsa', PS512: 'rsa',
  ES256: 'p256', ES384: 'p384', ES512: 'p521', EdDSA: 'ed25519', Ed25519: 'ed25519' };
const keyOfP256 = {
  token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256',
  jwks: { keys: [publicKey('p256')] } };
const thumbprint = (certificate) =>
  createHash('sha256').update(certificate.raw).digest('base64url');
const selfSigned = new X509Certificate(read('self-signed.pem'));

// client_id, client_secret, and the other registered properties of a client.
const clients = [
  ['basic', 'basic-secret'],
  ['post', 'post-secret', { token_endpoint_auth_method: 'client_secret_post' }],
  // The characters that encodings treat differently, as far as RFC 6749 appendix A allows them.
  ['id:with+%/ &=?#"~*', 's:e+c%72/e&t =?#"~*\\'],
  ['plus+id', 'plus+secret'],
  ['long', 's'.repeat(2000)],
  ['reader', 'reader-secret', { scope: 'read' }],
  ['expired', 'expired-secret', { client_secret_expires_at: 1 }],
  ['other-grant', 'other-grant-secret', {
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: ['https://client.example/'] }],
  ['extension', 'extension-secret', {
    grant_types: ['account_credentials', 'urn:example:grant-type:account'] }],
  ['public', undefined, { token_endpoint_auth_method: 'none' }],
  ['assertion', undefined, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{
    kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] } }],
  ['dpop', 'dpop-secret', { dpop_bound_access_tokens: true }],
  ['certificate-bound', 'certificate-bound-secret',
    { tls_client_certificate_bound_access_tokens: true }],
  ['dpop-nonce', 'dpop-nonce-secret', { dpop_bound_access_tokens: true }],
  ['key-nonce', undefined, { ...keyOfP256, dpop_bound_access_tokens: true }],
  // See `asserts`.
  ...['for-issuer', 'for-token-endpoint', 'for-endpoint', 'of-type'].map(
    (id) => [id, undefined, keyOfP256]),
  ['by-certificate', undefined, { ...keyOfP256, jwks: { keys: [publicKey('signing')] } }],
  ...Object.entries(keyOf).map(([algorithm, name]) => [`key-${algorithm}`, undefined, {
    token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: algorithm,
    jwks: { keys: [publicKey(name)] } }]),
  ...['HS256', 'HS384', 'HS512'].map((algorithm) => [`secret-${algorithm}`, 'k'.repeat(64), {
    token_endpoint_auth_method: 'client_secret_jwt', token_endpoint_auth_signing_alg: algorithm,
  }]),
  ['tls', undefined, {
    token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=client' }],
  ['self-signed', undefined, {
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: { keys: [{
      ...selfSigned.publicKey.export({ format: 'jwk' }),
      x5c: [selfSigned.raw.toString('base64')] }] } }],
];

const resources = {
  'https://opaque.example/': { scope: 'read write', accessTokenTTL: 120 },
  'https://jwt.example/api?v=1&x=a+b': {
    scope: 'read', accessTokenTTL: 300, accessTokenFormat: 'jwt' },
};

function resourceServer(ctx, resource) {
  if (resource === 'https://broken.example/') throw new Error('the database is gone');
  if (!Object.hasOwn(resources, resource)) throw new errors.InvalidTarget();
  return resources[resource];
}

// The audience and type that assertions of some clients must have, as strict servers require.
const asserts = {
  'for-issuer': (ctx, claims) => claims.aud === issuer,
  'for-token-endpoint': (ctx, claims) => claims.aud === `${issuer}/token`,
  'for-endpoint': (ctx, claims) => [issuer, mtls].some((at) => claims.aud === at + ctx.path),
  'of-type': (ctx, claims, header) => header.typ === 'client-authentication+jwt',
  'by-certificate': (ctx, claims, header) => !header.kid &&
    header['x5t#S256'] === thumbprint(new X509Certificate(read('signing.pem'))),
};

function checkAssertion(ctx, claims, header, { clientId }) {
  const good = asserts[clientId]?.(ctx, claims, header) ?? true;
  if (!good) throw new errors.InvalidClientAuth('the assertion does not say what it must');
}

// An extension grant. The scope of the response repeats the audiences of the request.
async function grantAccount(ctx) {
  const { account_id: account, audience } = ctx.oidc.params;
  if (account !== 'a&1') throw new errors.InvalidGrant('there is no such account');
  const token = new ctx.oidc.provider.ClientCredentials({ client: ctx.oidc.client });
  ctx.oidc.entity('ClientCredentials', token);
  ctx.body = {
    access_token: await token.save(),
    expires_in: token.expiration,
    token_type: token.tokenType,
    scope: [audience ?? []].flat().join(' '),
  };
}

// Takes an introspection request: the token, and in token_type_hint the DPoP proof of a GET of
// https://api.example/messages with it. Active means that both are bound to the same key.
async function checkProof(req, res) {
  let body = '';
  for await (const part of req) body += part;
  const form = new URLSearchParams(body);
  const token = form.get('token');
  let active = false;
  try {
    const { payload, protectedHeader } = await jwtVerify(
      form.get('token_type_hint'), EmbeddedJWK, { typ: 'dpop+jwt', maxTokenAge: '1 minute' });
    const bound = await provider.ClientCredentials.find(token);
    active = payload.ath === createHash('sha256').update(token).digest('base64url')
      && payload.htm === 'GET' && payload.htu === 'https://api.example/messages'
      && await calculateJwkThumbprint(protectedHeader.jwk) === bound.jkt;
  } catch (failure) {
    process.stderr.write(`${failure.stack}\n`);
  }
  res.writeHead(200, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify({ active }));
}

const tls = { cert: read('server.pem'), key: read('server.key') };
const server = createServer(tls);
const mtlsServer = createServer({
  ...tls, ca: read('ca.pem'), requestCert: true, rejectUnauthorized: false });

const listen = (one) => new Promise((ready) => {
  one.listen(0, '127.0.0.1', () => ready(`https://127.0.0.1:${one.address().port}`));
});
const issuer = await listen(server);
const mtls = await listen(mtlsServer);

const configuration = {
  clients: clients.map(([client_id, client_secret, more]) => ({
    client_id,
    client_secret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    ...more,
  })),
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'none',
    'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
  enabledJWA: {
    clientAuthSigningAlgValues: [...Object.keys(keyOf), 'HS256', 'HS384', 'HS512'],
    dPoPSigningAlgValues: ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA', 'Ed25519'],
  },
  discovery: {
    mtls_endpoint_aliases: {
      token_endpoint: `${mtls}/token`,
      introspection_endpoint: `${mtls}/token/introspection`,
      revocation_endpoint: `${mtls}/token/revocation`,
    },
  },
  assertJwtClientAuthClaimsAndHeader: checkAssertion,
  jwks: { keys: [{
    ...createPrivateKey(read('rsa.key')).export({ format: 'jwk' }), kid: 'server', use: 'sig' }] },
  scopes: ['read', 'write', 'admin'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    jwtIntrospection: { enabled: true },
    revocation: { enabled: true },
    dPoP: {
      enabled: true,
      nonceSecret: randomBytes(32),
      requireNonce: (ctx) => ctx.oidc.client?.clientId.endsWith('-nonce') ?? false,
    },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      tlsClientAuth: true,
      selfSignedTlsClientAuth: true,
      getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.(),
      certificateAuthorized: (ctx) => ctx.socket.authorized,
      certificateSubjectMatches: (ctx, property, expected) =>
        property === 'tls_client_auth_subject_dn' &&
        ctx.socket.getPeerX509Certificate().subject === expected,
    },
    resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
  },
};
const provider = new Provider(issuer, configuration);
for (const name of ['account_credentials', 'urn:example:grant-type:account'])
  provider.registerGrantType(name, grantAccount, ['account_id', 'audience'], ['audience']);
const atRoot = provider.callback();
const atTenant = new Provider(`${issuer}/tenant`, { ...configuration, discovery: {} }).callback();

function dispatch(req, res) {
  if (req.url === '/oauth2-server/token') return responseOfAnother(req, res);
  if (req.url === '/proof') return checkProof(req, res);
  if (!req.url.startsWith('/tenant/')) return atRoot(req, res);
  // The middleware needs to know its mount path.
  req.originalUrl = req.url;
  req.url = req.url.slice('/tenant'.length);
  return atTenant(req, res);
}
server.on('request', dispatch);
mtlsServer.on('request', dispatch);
process.stdout.write(`${issuer} ${mtls}\n`);
