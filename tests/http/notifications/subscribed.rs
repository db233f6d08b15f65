//! A person with one subscribed browser and an agent, in a world of their own.

use test_support::{Agent, Person, World};

use super::driver::NotifyDriver;
use super::push_messages::loopback_device;
use super::push_service::{Plan, PushService};

pub(super) struct Setup {
    pub world: World,
    pub driver: NotifyDriver,
    pub service: PushService,
    pub person: Person,
    pub agent: Agent,
}

impl Setup {
    pub async fn with_plans(plans: impl IntoIterator<Item = Plan>) -> Self {
        let (world, service) = (World::isolated().await, PushService::start(1, plans).await);
        let driver = NotifyDriver::start(&world).await;
        let person = world.person().await;
        loopback_device(&world, &service, &person).await;
        let agent = person.agent().await;
        Self { world, driver, service, person, agent }
    }
}
