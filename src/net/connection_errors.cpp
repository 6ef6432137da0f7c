#include "net/connection.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/x509.h>

#include <utility>

// What went wrong on a connection, told with what is known of it.

namespace coauth::net
{

namespace asio = boost::asio;
using boost::system::error_code;
using step = tls_engine::step;

namespace
{

std::string with_port(std::string const& host, std::uint16_t port)
{
    bool const brackets = host.find(':') != std::string::npos;
    return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

} // namespace

error connection::fail_handshake(operation_context& op, error_code ec)
{
    long const verdict = tls_->verdict();
    // Before the verdict, which may follow from it.
    if (ec == asio::error::no_memory || tls_->failure() == asio::error::no_memory ||
        verdict == X509_V_ERR_OUT_OF_MEM)
        return fail(op, errc::out_of_memory, {}, asio::error::no_memory);
    if (verdict != X509_V_OK)
        return fail(op, errc::certificate_verify_failed, rejection(verdict), {});
    if (!ec && last_step_ == step::truncated)
        ec = asio::error::eof;
    if (!ec)
        ec = tls_->failure();
    if (ec == asio::error::eof || ec.category() == asio::error::get_system_category())
        return fail(
            op, errc::connection_lost, peer() + " ended the connection during the TLS handshake",
            ec);
    return fail(
        op, errc::tls_failed,
        "no TLS connection to " + peer() +
            "; check that it speaks TLS 1.3, or 1.2 with ECDHE, on this port",
        ec);
}

std::string connection::rejection(long verdict) const
{
    std::string subject =
        "the certificate of " + peer() + " was rejected: " + X509_verify_cert_error_string(verdict);
    switch (verdict)
    {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return subject + "; it was not issued for this host: check the host in the URL";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return subject + "; the server needs a current one, or this machine's clock is wrong";
    case X509_V_ERR_CERT_REVOKED:
        return subject + "; do not use this server until it has a new one";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return subject + "; tls.crl_pem must cover every certificate of the chain";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return subject + "; if the server uses a private CA, give its certificate in tls.ca_file "
                         "or tls.ca_pem";
    default:
        return subject;
    }
}

// Whom it was meant for, nobody knows (RFC 9112 section 9.2): no response on it can be trusted.
error connection::unsolicited_data_error(operation_context& op, error_code ec)
{
    if (!reader_.started())
        return fail_response(op, ec);
    return fail(op, errc::malformed_http, peer() + " responded before anything was asked", ec);
}

error connection::fail_request(operation_context& op, error_code ec)
{
    died_silently_ = ec != asio::error::no_memory;
    if (!died_silently_)
        return fail(op, errc::out_of_memory, {}, ec);
    return fail(
        op, errc::connection_lost, "the connection to " + peer() + " broke during the request", ec);
}

error connection::fail_response(operation_context& op, error_code ec)
{
    if (ec == asio::error::no_memory)
        return fail(op, errc::out_of_memory, {}, ec);
    // A broken connection ends the message as any other end without proof does.
    if (ec.category() == asio::error::get_system_category() && ec &&
        ec != asio::error::operation_aborted)
        (void)reader_.finish(false);
    auto const& why = reader_.failure();
    // A goodbye apart, not even a part of a record came.
    died_silently_ = !reader_.started() && (!saw_record_ || last_step_ == step::end);
    if (ec && ec.category() == asio::error::get_ssl_category())
        return fail(op, errc::tls_failed, "the TLS connection to " + peer() + " failed", ec);
    return fail(
        op, why.value(), peer() + ": " + std::string(why.context()),
        why.cause() ? why.cause() : ec);
}

error connection::fail(operation_context& op, errc code, std::string context, error_code cause)
{
    error_info info;
    info.context = std::move(context);
    info.cause = cause;
    if (cause == boost::system::errc::not_enough_memory)
    {
        code = errc::out_of_memory;
        info.context = "while talking to " + peer();
    }
    if (auto const why = op.stop.why())
    {
        code = *why;
        auto const phase = std::string(to_string(op.phases.now()));
        info.context = "while talking to " + peer() + ", in the phase " + phase;
        info.cause = last_failure_;
    }
    error made(code, std::move(info));
    op.phases.leave(made.cause() ? made.cause() : made.code());
    return made;
}

std::string connection::peer() const
{
    return with_port(where_->host, where_->port);
}

std::string connection::next_hop() const
{
    return where_->tunnel_request.empty() ? peer() : proxy();
}

std::string connection::proxy() const
{
    return with_port(where_->proxy_host, where_->proxy_port);
}

} // namespace coauth::net
