#include "net/byte_stream.hpp"

#include <boost/asio/error.hpp>

#include <openssl/x509.h>

#include <utility>

// The errors of a stream, with what is known of its operation.

namespace coauth::net
{

namespace asio = boost::asio;
using boost::system::error_code;
using step = tls_engine::step;

std::string authority(std::string const& host, std::uint16_t port)
{
    bool const brackets = host.find(':') != std::string::npos;
    return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

error byte_stream::fail_handshake(operation_context& op, tls_peer with, error_code ec) const
{
    long const verify_result = tls_->verify_result();
    // First the lack of memory: the verification may have failed for it.
    if (ec == asio::error::no_memory || tls_->failure() == asio::error::no_memory ||
        verify_result == X509_V_ERR_OUT_OF_MEM)
        return fail(op, errc::out_of_memory, {}, asio::error::no_memory);
    if (verify_result != X509_V_OK)
        return fail(op, errc::certificate_verify_failed, rejection(with, verify_result), {});
    if (!ec && last_step_ == step::truncated)
        ec = asio::error::eof;
    if (!ec)
        ec = tls_->failure();
    bool const tunnelled = with == tls_peer::server && !target_->tunnel_request.empty();
    if (ec == asio::error::eof || ec.category() == asio::error::get_system_category())
        return fail(
            op, errc::connection_lost,
            (tunnelled ? peer() + ", or the proxy " + proxy() + "," : name_of(with)) +
                " ended the connection during the TLS handshake",
            ec);
    if (tls_->outer_failed())
        return fail(
            op, errc::tls_failed, "the TLS connection to the proxy " + proxy() + " failed", ec);
    return fail(
        op, errc::tls_failed,
        "no TLS connection to " + name_of(with) +
            "; check that it speaks TLS 1.3, or 1.2 with ECDHE, on this port" +
            (with == tls_peer::proxy ? ", or write http:// in proxy.url" : ""),
        ec);
}

std::string byte_stream::rejection(tls_peer with, long verify_result) const
{
    std::string const role = with == tls_peer::proxy ? "the proxy" : "the server";
    std::string subject = "the certificate of " + name_of(with) +
                          " was rejected: " + X509_verify_cert_error_string(verify_result);
    switch (verify_result)
    {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return subject + "; it was not issued for this host: check the host in " +
               (with == tls_peer::proxy ? "proxy.url" : "the URL");
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return subject + "; " + role + " needs a current one, or this machine's clock is wrong";
    case X509_V_ERR_CERT_REVOKED:
        return subject + "; do not use " + role + " until it has a new one";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return subject + "; tls.crl_pem and tls.crl_file must cover every certificate of the chain";
    case X509_V_ERR_CRL_HAS_EXPIRED:
        return subject + "; give the list that replaced it in tls.crl_pem or tls.crl_file";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return subject + "; if " + role +
               " uses a private CA, give its certificate in tls.ca_file "
               "or tls.ca_pem";
    default:
        return subject;
    }
}

std::string byte_stream::name_of(tls_peer peer) const
{
    return peer == tls_peer::proxy ? "the proxy " + proxy() : this->peer();
}

error byte_stream::fail(
    operation_context& op, errc code, std::string context, error_code cause) const
{
    error_info info;
    info.context = std::move(context);
    info.cause = cause;
    if (cause == boost::system::errc::not_enough_memory)
    {
        code = errc::out_of_memory;
        info.context = "while talking to " + peer();
    }
    if (auto const reason = op.stop.abort_reason())
    {
        code = *reason;
        auto const phase = std::string(to_string(op.phases.now()));
        info.context = "while talking to " + peer() + ", in the phase " + phase;
        info.cause = connect_failure_;
    }
    error failure(code, std::move(info));
    op.phases.leave(failure.cause() ? failure.cause() : failure.code());
    return failure;
}

std::string byte_stream::next_hop() const
{
    return target_->tunnel_request.empty() ? peer() : proxy();
}

std::string byte_stream::proxy() const
{
    return authority(target_->proxy_host, target_->proxy_port);
}

} // namespace coauth::net
