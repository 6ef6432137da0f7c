#include <coauth/shared_tokens.hpp>

#include "token_source/shared_fetcher.hpp"

#include <utility>

namespace coauth
{

shared_tokens::shared_tokens(
    token_fetcher const& fetcher, std::shared_ptr<token_store> store, shared_tokens_options options)
    : impl_(std::make_shared<detail::shared_fetcher>(
          fetcher.impl_, std::move(store), std::move(options)))
{
}

shared_tokens::operator token_fetcher() const
{
    return token_fetcher(std::shared_ptr<detail::fetcher>(impl_));
}

result<void> shared_tokens::validate() const
{
    return impl_->validate();
}

shared_tokens_counters shared_tokens::counters() const
{
    return impl_->counters();
}

} // namespace coauth
