#include "policy/attempts.hpp"

namespace coauth::policy
{

unsigned attempts::begin() noexcept
{
    has_dpop_nonce_ = false;
    return ++count_;
}

void attempts::on_sent() noexcept
{
    credentials_were_sent_ = true;
    may_be_processed_ = true;
}

void attempts::on_response(unsigned status, bool has_dpop_nonce) noexcept
{
    may_be_processed_ = !is_unprocessed_status(status);
    has_dpop_nonce_ = has_dpop_nonce;
}

attempts::decision attempts::on_failure(error const& failure, retry_context const& context) noexcept
{
    if (!may_have_consumed_grant())
        if (auto const delay = retry_delay(failure, options_, count_, context))
            return {action::retry, *delay};
    // RFC 9449 section 8: the next proof carries the nonce of this response.
    if (failure == errc::use_dpop_nonce && traits_.has_dpop_proof && has_dpop_nonce_ &&
        !retried_with_nonce_)
    {
        retried_with_nonce_ = true;
        return {action::retry_now};
    }
    // They may have been replaced since they were loaded.
    if (failure.is_authentication_failure() && !retried_with_credentials_)
        return {action::load_credentials};
    return {};
}

attempts::decision attempts::on_credentials_loaded(bool changed) noexcept
{
    if (!changed)
        return {};
    retried_with_credentials_ = true;
    credentials_were_sent_ = false;
    return {action::retry_now};
}

bool attempts::is_stale_connection_failure(
    std::optional<unsigned> status, bool closed_before_response) const noexcept
{
    // A server sends 408 when it closes an idle connection (RFC 9110 section 15.5.9).
    if (status)
        return *status == 408;
    return closed_before_response && !may_have_consumed_grant();
}

} // namespace coauth::policy
