#define BOOST_TEST_MODULE coauth_hostile
#include <boost/test/unit_test.hpp>
