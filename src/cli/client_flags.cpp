#include "cli/client_options.hpp"

#include <boost/program_options.hpp>

namespace coauth::cli
{

namespace po = boost::program_options;

void add_server_flags(po::options_description& to, client_flags& into)
{
    to.add_options()(
        "provider", po::value(&into.provider)->value_name("NAME"),
        "smscx, the default: SMS.CX at https://api.sms.cx")(
        "host", po::value(&into.host)->value_name("URL"),
        "another host of SMS.CX, as in https://api.example.com")(
        "issuer", po::value(&into.issuer)->value_name("URL"),
        "any other server by its issuer, which says where all else is (RFC 8414)")(
        "token-endpoint", po::value(&into.token_endpoint)->value_name("URL"),
        "the token endpoint of any other server (RFC 6749)");
}

void add_endpoint_flags(po::options_description& to, client_flags& into)
{
    to.add_options()(
        "introspection-endpoint", po::value(&into.introspection_endpoint)->value_name("URL"),
        "where a token is asked about (RFC 7662). Default: where the issuer says")(
        "revocation-endpoint", po::value(&into.revocation_endpoint)->value_name("URL"),
        "where a token is revoked (RFC 7009). Default: where the issuer says");
}

void add_trust_flags(po::options_description& to, client_flags& into)
{
    to.add_options()(
        "ca-file", po::value(&into.ca_file)->value_name("FILE"),
        "trust the CA certificates of this PEM file instead of the system's")(
        "http-loopback", po::bool_switch(&into.http_loopback),
        "allow http:// to 127.0.0.1, ::1 and localhost, for tests");
}

void add_client_flags(po::options_description& to, client_flags& into)
{
    to.add_options()(
        "client-id", po::value(&into.client_id)->value_name("ID"),
        "the client id; at SMS.CX the application id. Else COAUTH_CLIENT_ID")(
        "client-secret-file", po::value(&into.secret_from_file)->value_name("FILE"),
        "the file with the client secret, - for standard input. Else COAUTH_CLIENT_SECRET")(
        "auth", po::value(&into.auth)->value_name("HOW"),
        "basic, basic-unencoded, post, secret-jwt, key-jwt, assertion, tls, self-signed-tls or "
        "none, or "
        "the name that RFCs give it. Default: what fits the flags and the server; at SMS.CX "
        "basic-unencoded")(
        "key-file", po::value(&into.key_file)->value_name("FILE"),
        "the private key that signs assertions, in PEM. COAUTH_KEY_PASSPHRASE opens it")(
        "alg", po::value(&into.algorithm)->value_name("NAME"),
        "how it signs, as in PS256. Default: what fits the key")(
        "kid", po::value(&into.key_id)->value_name("ID"), "the name of the key at the server")(
        "assertion-cert-file", po::value(&into.assertion_certificate_file)->value_name("FILE"),
        "the key's certificate, in PEM, by which the server knows it (x5t#S256)")(
        "assertion-audience", po::value(&into.audience_source)->value_name("WHOM"),
        "to whom assertions are made out: issuer (the default), token-endpoint, endpoint (the one "
        "that is asked), or any other text as it is")(
        "assertion-file", po::value(&into.assertion_file)->value_name("FILE"),
        "an assertion that others made, as a workload identity")(
        "cert-file", po::value(&into.certificate_file)->value_name("FILE"),
        "the client's TLS certificate, in PEM (RFC 8705)")(
        "cert-key-file", po::value(&into.certificate_key_file)->value_name("FILE"),
        "its key. Default: in the same file")(
        "dpop", po::value(&into.dpop_file)->value_name("FILE"),
        "bind the token to this private key, in PEM (RFC 9449)")(
        "dpop-alg", po::value(&into.dpop_algorithm)->value_name("NAME"),
        "how that key signs, as in ES256. Default: what fits the key and the server");
}

void add_verbose_flag(po::options_description& to, client_flags& into)
{
    to.add_options()(
        "verbose,v", po::bool_switch(&into.verbose),
        "show request, response and where the time went on standard error; secrets are masked");
}

void add_run_flags(po::options_description& to, client_flags& into)
{
    client_config const defaults;
    to.add_options()(
        "timeout", po::value(&into.timeout)->default_value("10")->value_name("SECONDS"),
        "give up after so long, all phases together")(
        "user-agent",
        po::value(&into.user_agent)->default_value(defaults.user_agent)->value_name("TEXT"),
        "the User-Agent field")("help,h", po::bool_switch(&into.help), "show this help");
}

} // namespace coauth::cli
