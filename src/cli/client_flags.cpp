#include "cli/client_flags.hpp"

#include <coauth/client_config.hpp>

#include <boost/program_options.hpp>

namespace coauth::cli
{

namespace po = boost::program_options;

void add_server_flags(po::options_description& group, client_flags& flags)
{
    group.add_options()(
        "provider", po::value(&flags.provider)->value_name("NAME"),
        "smscx, the default: SMS.CX at https://api.sms.cx")(
        "host", po::value(&flags.host)->value_name("URL"),
        "another host of SMS.CX, as in https://api.example.com")(
        "issuer", po::value(&flags.issuer)->value_name("URL"),
        "any other server: its issuer, whose metadata name the endpoints (RFC 8414)")(
        "token-endpoint", po::value(&flags.token_endpoint)->value_name("URL"),
        "any other server: its token endpoint (RFC 6749)");
}

void add_endpoint_flags(po::options_description& group, client_flags& flags)
{
    group.add_options()(
        "introspection-endpoint", po::value(&flags.introspection_endpoint)->value_name("URL"),
        "the introspection endpoint (RFC 7662). Default: the one in the metadata")(
        "revocation-endpoint", po::value(&flags.revocation_endpoint)->value_name("URL"),
        "the revocation endpoint (RFC 7009). Default: the one in the metadata");
}

void add_token_type_flags(po::options_description& group, client_flags& flags)
{
    group.add_options()(
        "bearer-name", po::value(&flags.bearer_names)->value_name("WORD"),
        "another token_type by which the server means Bearer; repeatable");
}

void add_connection_flags(po::options_description& group, client_flags& flags)
{
    group.add_options()(
        "ca-file", po::value(&flags.ca_file)->value_name("FILE"),
        "trust the CA certificates of this PEM file instead of the system's")(
        "http-loopback", po::bool_switch(&flags.http_loopback),
        "allow http:// to 127.0.0.1, ::1 and localhost, for tests")(
        "proxy", po::value(&flags.proxy)->value_name("URL"),
        "the HTTP proxy, such as http://proxy.example.com:3128, or https:// if it speaks TLS; "
        "none: "
        "no proxy. Default: HTTPS_PROXY and NO_PROXY of the environment, but no proxy for a server "
        "on "
        "this machine");
}

void add_client_flags(po::options_description& group, client_flags& flags)
{
    group.add_options()(
        "client-id", po::value(&flags.client_id)->value_name("ID"),
        "the client id; at SMS.CX the application id. Default: COAUTH_CLIENT_ID")(
        "client-secret-file", po::value(&flags.client_secret_file)->value_name("FILE"),
        "the file with the client secret, - for standard input. Default: the variable "
        "COAUTH_CLIENT_SECRET")(
        "auth", po::value(&flags.auth)->value_name("METHOD"),
        "basic, basic-unencoded, post, secret-jwt, key-jwt, assertion, tls, self-signed-tls, none "
        "or anonymous (no client id), or its name in the RFCs. Default: the one that fits the "
        "flags and the server; at "
        "SMS.CX basic-unencoded")(
        "key-file", po::value(&flags.key_file)->value_name("FILE"),
        "the private key that signs assertions, as PEM, a JSON Web Key, PKCS #12 or DER. "
        "COAUTH_KEY_PASSPHRASE decrypts it")(
        "alg", po::value(&flags.algorithm)->value_name("NAME"),
        "the algorithm of its signatures, such as PS256. Default: one that fits the key")(
        "kid", po::value(&flags.key_id)->value_name("ID"), "the id of the key at the server")(
        "assertion-cert-file", po::value(&flags.assertion_certificate_file)->value_name("FILE"),
        "the key's certificate, in PEM, if the server identifies the key by it (x5t#S256)")(
        "assertion-audience", po::value(&flags.assertion_audience)->value_name("AUDIENCE"),
        "the audience of assertions: issuer (the default), token-endpoint, endpoint (the URL of "
        "the request), or any other text as it is")(
        "assertion-file", po::value(&flags.assertion_file)->value_name("FILE"),
        "the file with an assertion that somebody else signed, such as a workload identity")(
        "cert-file", po::value(&flags.certificate_file)->value_name("FILE"),
        "the client's TLS certificate, in PEM (RFC 8705)")(
        "cert-key-file", po::value(&flags.certificate_key_file)->value_name("FILE"),
        "the key of that certificate. Default: in the same file")(
        "dpop", po::value(&flags.dpop_file)->value_name("FILE"),
        "bind the token to this private key, in a format of --key-file (RFC 9449)")(
        "dpop-alg", po::value(&flags.dpop_algorithm)->value_name("NAME"),
        "the algorithm of that key, such as ES256. Default: one that fits key and server");
}

void add_verbose_flag(po::options_description& group, client_flags& flags)
{
    group.add_options()(
        "verbose,v", po::bool_switch(&flags.verbose),
        "show events, request, response and timing on standard error; secrets are masked");
}

void add_run_flags(po::options_description& group, client_flags& flags)
{
    client_config const defaults;
    group.add_options()(
        "timeout", po::value(&flags.timeout)->default_value("10")->value_name("SECONDS"),
        "the time limit for the whole command")(
        "retry", po::value(&flags.retries)->default_value(0)->value_name("COUNT"),
        "how often to try again after a transient error, such as status 503. The metadata of "
        "--issuer are fetched up to 3 times in any case")(
        "user-agent",
        po::value(&flags.user_agent)->default_value(defaults.user_agent)->value_name("TEXT"),
        "the User-Agent field")("help,h", po::bool_switch(&flags.help), "show this help");
}

} // namespace coauth::cli
