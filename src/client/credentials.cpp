#include "client/credentials.hpp"

#include "protocol/config_validation.hpp"
#include "values/call_secret_provider.hpp"

#include <utility>

namespace coauth::detail
{

credential_source::credential_source(
    client_authentication configured, std::shared_ptr<config_files const> files,
    bool files_are_usable)
    : configured_(std::move(configured))
    , files_(std::move(files))
    , files_are_usable_(files_are_usable)
    , files_generation_(files_->generation())
{
    if (configured_.client_secret_provider())
        return;
    authentication_ = std::make_shared<client_authentication const>(configured_);
    version_ = 1;
}

result<credentials> credential_source::load()
{
    auto const& provider = configured_.client_secret_provider();
    if (!provider)
    {
        std::lock_guard const lock(mutex_);
        return credentials{authentication_, version_};
    }
    // A user function: called without the lock.
    return store(call_secret_provider(provider, protocol::secret_name(configured_.type())));
}

result<credentials> credential_source::store(result<secret> loaded)
{
    std::lock_guard const lock(mutex_);
    if (!loaded)
    {
        load_failed_ = true;
        return loaded.error();
    }
    bool const same = authentication_ && authentication_->client_secret() == *loaded;
    if (same && !load_failed_)
        return credentials{authentication_, version_};
    auto next =
        std::make_shared<client_authentication const>(configured_.with_secret(std::move(*loaded)));
    auto const checked = protocol::check_secret(*next);
    load_failed_ = !checked;
    if (!checked)
        return checked.error();
    authentication_ = std::move(next);
    return credentials{authentication_, ++version_};
}

std::uint64_t credential_source::refresh()
{
    (void)load();
    bool const usable = files_->check().has_value();
    auto const generation = files_->generation();
    std::lock_guard const lock(mutex_);
    bool const were_usable = std::exchange(files_are_usable_, usable);
    bool const same = std::exchange(files_generation_, generation) == generation;
    if (usable && !(were_usable && same))
        ++version_;
    return version_;
}

} // namespace coauth::detail
