#include "net/tls_source.hpp"

#include <utility>

namespace coauth::net
{

tls_source::tls_source(tls_options const& options)
    : context_(tls_context_source::find(options))
    , certificate_(options)
{
}

result<tls_parameters> tls_source::current(clock::time_point now)
{
    auto context = last_good_.update(context_->current(), now);
    if (!context)
        return context.error();
    auto certificate = certificate_.current(now);
    if (!certificate)
        return certificate.error();
    return tls_parameters{std::move(*context), std::move(*certificate)};
}

bool tls_source::is_current(
    tls_parameters const& used, clock::duration max_age, clock::time_point now)
{
    {
        std::lock_guard const lock(mutex_);
        if (now < checked_at_ + max_age)
            return checked_ == used;
    }
    auto latest = current(now);
    std::lock_guard const lock(mutex_);
    checked_at_ = now;
    checked_ = latest ? std::move(*latest) : tls_parameters();
    return checked_ == used;
}

} // namespace coauth::net
